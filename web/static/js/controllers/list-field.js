/** A field of several short values (networks, prefixes): typed one by one, or pasted together; each can be removed. */
import { fill, fromTemplate } from "lib/render";

const SEPARATORS = /[\s,;]+/;

/** @param {HTMLElement} root  made by the macro list_field @param {import("lib/i18n").Translate} t */
export function makeListField(root, t) {
  const list = root.querySelector("ul");
  const input = root.querySelector("input");
  const values = () => [...list.children].map((chip) => /** @type {HTMLElement} */ (chip).dataset.value);

  function append(value) {
    if (!value || values().includes(value)) return;
    const chip = fromTemplate("tpl-chip");
    chip.dataset.value = value;
    fill(chip, { value, remove: { label: t("Remove %(name)s", { name: value }) } });
    list.append(chip);
    list.hidden = false;
  }

  function set(wanted) {
    list.replaceChildren();
    for (const value of wanted) append(value);
    list.hidden = list.children.length === 0;
  }

  function take() {
    for (const value of input.value.split(SEPARATORS)) append(value);
    input.value = "";
  }

  function changed() {
    root.dispatchEvent(new Event("input", { bubbles: true }));
  }

  input.addEventListener("keydown", (event) => {
    const finished = event.key === "Enter" || event.key === ",";
    if (finished && input.value.trim()) { event.preventDefault(); take(); changed(); }
    if (event.key === "Backspace" && !input.value && list.lastElementChild) { list.lastElementChild.remove(); list.hidden = !list.children.length; changed(); }
  });
  root.querySelector("[data-add]").addEventListener("click", () => { take(); input.focus(); changed(); });
  list.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    button.closest("li").remove();
    list.hidden = list.children.length === 0;
    input.focus();
    changed();
  });
  for (const preset of root.querySelectorAll("[data-values]")) {
    preset.addEventListener("click", () => { set(preset.dataset.values.split(" ").filter(Boolean)); changed(); });
  }

  return {
    /** What is typed and not yet added counts: nobody means to lose it. @returns {string[]} */
    get: () => [...new Set([...values(), ...input.value.split(SEPARATORS).filter(Boolean)])],
    /** @param {string[]} wanted */
    set(wanted) { input.value = ""; set(wanted); },
  };
}
