/** A field of choices whose order matters: chosen by their box, moved by arrows; what is chosen stands first. */
import { fill, fromTemplate } from "lib/render";

/** @param {HTMLElement} root made by the macro order_field @param {import("lib/i18n").Translate} t */
export function makeOrderField(root, t) {
  const list = root.querySelector("ol");
  const boxOf = (item) => /** @type {HTMLInputElement} */ (item.querySelector("input"));
  const items = () => [...list.children];

  function show() {
    const chosen = items().filter((item) => boxOf(item).checked);
    items().forEach((item) => {
      const place = chosen.indexOf(item);
      fill(/** @type {HTMLElement} */ (item), { place: place < 0 ? "" : String(place + 1) });
      item.querySelector("[data-move='-1']").disabled = place <= 0;
      item.querySelector("[data-move='1']").disabled = place < 0 || place === chosen.length - 1;
    });
  }

  function changed() {
    show();
    root.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {[string, string][]} pairs value and words */
  function offer(pairs) {
    list.replaceChildren(...pairs.map(([value, label]) => {
      const item = fromTemplate("tpl-order-item");
      item.dataset.value = value;
      const box = boxOf(item);
      box.value = value;
      box.name = root.dataset.order;
      fill(item, { label, up: { label: t("Move %(name)s up", { name: label }) }, down: { label: t("Move %(name)s down", { name: label }) } });
      return item;
    }));
    show();
  }

  list.addEventListener("change", (event) => {
    event.stopPropagation();
    const item = /** @type {Element} */ (event.target).closest("li");
    // Just chosen: after the last chosen one; dropped: after all those that are chosen.
    const after = items().filter((other) => other !== item && boxOf(other).checked);
    if (after.length) after[after.length - 1].after(item);
    else list.prepend(item);
    boxOf(item).focus();
    changed();
  });
  list.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-move]") : null;
    if (!button) return;
    const item = button.closest("li");
    if (button.dataset.move === "-1") item.previousElementSibling.before(item);
    else item.nextElementSibling.after(item);
    changed();
    if (button.disabled) boxOf(item).focus();
    else button.focus();
  });

  return {
    offer,
    /** @param {string[]} values in order */
    set(values) {
      for (const item of items()) boxOf(item).checked = values.includes(item.dataset.value);
      const chosen = values.map((value) => items().find((item) => item.dataset.value === value)).filter(Boolean);
      list.prepend(...chosen);
      show();
    },
    /** @returns {string[]} */
    get: () => items().filter((item) => boxOf(item).checked).map((item) => item.dataset.value),
  };
}
