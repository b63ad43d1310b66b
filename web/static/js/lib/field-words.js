/** What the fields of a form are called and what their values mean, as its own labels and choices say it. */

const ownText = (element) => [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join(" ").trim();

/**
 * @param {HTMLFormElement} form
 * @param {import("lib/i18n").Translate} t
 * @param {Record<string, (value: any) => string>} own  words of fields whose values are no text
 */
export function makeFieldWords(form, t, own = {}) {
  function controlOf(name) {
    const found = form.elements.namedItem(name);
    return /** @type {HTMLElement|null} */ (found instanceof RadioNodeList ? found[0] : found);
  }

  /** @param {string} name */
  function label(name) {
    const control = controlOf(name);
    const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`)?.closest(".field") ?? control?.closest(".field");
    const said = place?.querySelector(":scope > label, :scope > legend")?.textContent.trim();
    return said || (control?.closest("label") ? ownText(control.closest("label")) : "") || name;
  }

  /** One of the choices that the form offers for a field. */
  function choice(name, value) {
    const select = controlOf(name);
    if (select instanceof HTMLSelectElement) return [...select.options].find((option) => option.value === value)?.text;
    const box = form.querySelector(`input:is([type=radio], [type=checkbox])[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
    return box?.closest("label, li")?.querySelector("span[data-field=label], span")?.textContent.trim() || (box ? ownText(box.closest("label")) : undefined);
  }

  /** @param {string} name @param {any} value */
  function words(name, value) {
    if (own[name]) return own[name](value) || t("nothing");
    if (typeof value === "boolean") return value ? t("yes") : t("no");
    if (Array.isArray(value)) return value.map((one) => choice(name, String(one)) ?? String(one)).join(", ") || t("nothing");
    return choice(name, String(value ?? "")) || String(value ?? "") || t("nothing");
  }

  return { label, words };
}
