/** Unified diffs as people read them: one block a file, each line with its own sign and its own colour. */
import { fill, fromTemplate } from "lib/render";

/** @param {string} line @returns {HTMLElement} */
function lineElement(line) {
  const tag = line.startsWith("+") ? "ins" : line.startsWith("-") ? "del" : "span";
  const element = document.createElement(tag);
  element.className = line.startsWith("@@") ? "diff-at" : "diff-line";
  element.textContent = line || " ";
  return element;
}

/** Without the two lines that name the file: its block does. @param {string} diff */
function bodyOf(diff) {
  return diff.split("\n").filter((line, index) => !(index < 2 && /^(---|\+\+\+) /.test(line)));
}

/**
 * A diff of several files in one text, cut at the pairs of lines that name each.
 * @param {string} diff @returns {{name: string, diff: string}[]}
 */
export function splitFiles(diff) {
  const files = [];
  const lines = diff.split("\n");
  lines.forEach((line, index) => {
    if (line.startsWith("--- ") && lines[index + 1]?.startsWith("+++ ")) {
      const side = line.slice(4).startsWith("/dev/null") ? lines[index + 1].slice(4) : line.slice(4);
      files.push({ name: side.replace(/\s*\(\w+\)$|\t.*$/, ""), lines: [] });
    }
    files.at(-1)?.lines.push(line);
  });
  return files.map(({ name, lines: own }) => ({ name, diff: own.join("\n") }));
}

/**
 * @param {HTMLElement} container
 * @param {{name: string, diff: string, edited?: boolean}[]} files
 * @param {import("lib/i18n").Translate} t
 */
export function showFiles(container, files, t) {
  const open = new Set([...container.querySelectorAll("details[open]")].map(({ dataset }) => dataset.name));
  container.replaceChildren(...files.map(({ name, diff, edited }) => {
    const block = /** @type {HTMLDetailsElement} */ (fromTemplate("tpl-file"));
    const lines = bodyOf(diff);
    const place = block.querySelector("[data-field=lines]");
    const count = (sign) => lines.filter((line) => line.startsWith(sign)).length;
    fill(block, {
      name, edited: { hidden: !edited },
      added: { text: `+${count("+")}`, title: t("lines added") }, removed: { text: `−${count("-")}`, title: t("lines removed") },
    });
    block.dataset.name = name;
    place.setAttribute("aria-label", name);
    // A first application holds thousands of lines: only those that somebody looks at are made.
    block.addEventListener("toggle", () => { if (block.open && !place.childElementCount) place.append(...lines.map(lineElement)); });
    block.open = open.has(name);
    return block;
  }));
}
