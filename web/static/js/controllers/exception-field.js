/** Days of a schedule that differ from their weekday: closed, or open at other hours, and why. */
import { fill, fromTemplate } from "lib/render";
import { readHour } from "lib/zone-time";

/** @param {HTMLElement} root @param {import("lib/page").Page} page */
export function makeExceptionField(root, { t }) {
  const list = root.querySelector("ul");
  const part = (item, name) => /** @type {HTMLInputElement} */ (item.querySelector(`[data-part=${name}]`));
  const items = () => /** @type {HTMLElement[]} */ ([...list.children]);

  function follow(item) {
    const closed = part(item, "kind").value === "closed";
    item.querySelector("[data-hours]").hidden = closed;
  }

  function append({ date = "", opens = "", closes = "", label = "" }) {
    const item = fromTemplate("tpl-exception");
    part(item, "date").value = date;
    part(item, "kind").value = opens ? "open" : "closed";
    part(item, "opens").value = opens;
    part(item, "closes").value = closes;
    part(item, "label").value = label;
    list.append(item);
    follow(item);
    return item;
  }

  function changed() {
    list.hidden = list.children.length === 0;
    root.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function read(item) {
    const closed = part(item, "kind").value === "closed";
    const [opens, closes] = ["opens", "closes"].map((name) => (closed ? "" : readHour(part(item, name).value)));
    return { date: part(item, "date").value, opens, closes: closes === "00:00" ? "24:00" : closes, label: part(item, "label").value.trim() };
  }

  root.addEventListener("change", (event) => {
    const item = /** @type {Element} */ (event.target).closest("li");
    if (item && event.target === part(item, "kind")) follow(item);
    for (const name of item ? ["opens", "closes"] : []) part(item, name).value = readHour(part(item, name).value);
  });
  list.addEventListener("input", (event) => {
    const item = /** @type {Element} */ (event.target).closest("li");
    for (const input of item?.querySelectorAll("[aria-invalid]") ?? []) input.removeAttribute("aria-invalid");
    if (item) fill(item, { problem: "" });
  });
  list.addEventListener("click", (event) => {
    if (!/** @type {Element} */ (event.target).closest("[data-remove]")) return;
    /** @type {Element} */ (event.target).closest("li").remove();
    changed();
    root.querySelector("[data-add]").focus();
  });
  root.querySelector("[data-add]").addEventListener("click", () => { const item = append({}); changed(); part(item, "date").focus(); });

  return {
    /** @param {{date: string, opens: string, closes: string, label: string}[]} wanted */
    set(wanted) {
      list.replaceChildren();
      for (const one of [...wanted].sort((a, b) => a.date.localeCompare(b.date))) append(one);
      list.hidden = wanted.length === 0;
    },
    get: () => items().map(read),
    /** Tells a refusal of exceptions[index].part at its day. @param {string} field @param {string} message */
    fail(field, message) {
      const found = /^exceptions\[(\d+)\](?:\.(\w+))?/.exec(field);
      const item = found && items()[Number(found[1])];
      if (!item) return false;
      (found[2] ? item.querySelector(`[data-part=${found[2]}]`) : part(item, "date"))?.setAttribute("aria-invalid", "true");
      fill(item, { problem: message });
      return true;
    },
    /** A day without a date cannot be sent. @returns {boolean} */
    complete() {
      const empty = items().find((item) => !part(item, "date").value);
      if (empty) { part(empty, "date").setAttribute("aria-invalid", "true"); fill(empty, { problem: t("Choose the date.") }); }
      return !empty;
    },
  };
}
