/**
 * Fills the markup of a partial. Text goes in as text, never as markup.
 * @typedef {object} Slot
 * @property {string} [text]
 * @property {string} [tone]   data-tone: the colour's name (tokens.css)
 * @property {string} [title]
 * @property {string} [label]  accessible name of an image
 * @property {string} [icon]   name in the sprite
 * @property {boolean} [hidden]
 * @property {string} [avatar] a name: shows its initials in its colour
 * @property {number|null} [since] running timer from this instant
 * @property {number} [seen]   instant at which this was last known to be true
 */
import { hueOf, initials } from "lib/format";

/** @param {Element} element @param {string} name */
function setIcon(element, name) {
  const use = element.matches("use") ? element : element.querySelector("use");
  const href = `${document.documentElement.dataset.icons}#${name}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string|null|undefined} value */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === "") element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {string} name */
export function setAvatar(element, name) {
  element.dataset.hue = hueOf(name);
  setText(element, initials(name));
}

/** @param {HTMLElement} element @param {Slot} slot */
function fillSlot(element, slot) {
  if (slot.hidden !== undefined) element.hidden = slot.hidden;
  if (slot.tone !== undefined) setAttribute(element, "data-tone", slot.tone);
  if (slot.title !== undefined) setAttribute(element, "title", slot.title);
  if (slot.icon !== undefined) setIcon(element, slot.icon);
  if (slot.label !== undefined) setAttribute(element.querySelector("[role=img]") ?? element, "aria-label", slot.label);
  if (slot.avatar !== undefined) setAvatar(element, slot.avatar);
  if (slot.since !== undefined) setAttribute(element, "data-since", slot.since === null ? null : String(slot.since));
  if (slot.since === null) setText(element, "");
  if (slot.seen !== undefined) setAttribute(element, "data-seen", String(slot.seen));
  if (slot.text !== undefined) setText(element, slot.text);
}

/**
 * @param {HTMLElement} root an element made from a partial
 * @param {Record<string, string|Slot>} fields by the partial's data-field names
 */
export function fill(root, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const slot = typeof value === "string" ? { text: value } : value;
    if (root.dataset.field === name) fillSlot(root, slot);
    else for (const element of root.querySelectorAll(`[data-field="${name}"]`)) fillSlot(element, slot);
  }
}

/** @param {string} id of a <template> @returns {HTMLElement} */
export function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (document.importNode(template.content, true).firstElementChild);
}
