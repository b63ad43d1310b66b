/** A form that talks to the API: busy while it waits, each refused field with its reason, focus on the first. */
import { fill } from "lib/render";

/** A refusal names its place in the body; the form may have one control for the whole: subnets[2] is told at subnets. */
function placeOf(form, field) {
  for (let name = field, before = ""; name !== before; before = name, name = name.replace(/(\.[^.[\]]+|\[\d+\])$/, "")) {
    const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
    if (place) return { name, place };
  }
  return { name: field, place: null };
}

/** The control of a field, or of the whole that is told for it; of several (choices), the first. @param {HTMLFormElement} form */
function controlOf(form, field, name) {
  const found = form.elements.namedItem(field) ?? form.elements.namedItem(name);
  return found instanceof RadioNodeList ? /** @type {HTMLInputElement} */ (found[0]) : found;
}

/** What a field is called, where it is not seen. @param {HTMLFormElement} form @param {string} field */
function labelOf(form, field) {
  const control = controlOf(form, field, placeOf(form, field).name);
  const alone = control && !["radio", "checkbox"].includes(control.type) ? control.labels?.[0] : null;
  return (alone ?? control?.closest("fieldset")?.querySelector("legend"))?.textContent.trim() ?? "";
}

/**
 * Whether it can be read there: a part of the form that is hidden now is no place.
 * @param {HTMLFormElement} form @param {string} field @param {string} message "" clears it
 */
export function setFieldError(form, field, message) {
  const { name, place } = placeOf(form, field);
  const control = controlOf(form, field, name);
  if (place) place.textContent = message;
  if (control instanceof HTMLElement) control.toggleAttribute("aria-invalid", false);
  if (message && control instanceof HTMLElement) control.setAttribute("aria-invalid", "true");
  if (message) place?.closest("details")?.setAttribute("open", "");
  return Boolean(place?.getClientRects().length);
}

/** @param {HTMLFormElement} form */
export function clearErrors(form) {
  for (const place of form.querySelectorAll("[data-error-for]")) place.textContent = "";
  for (const control of form.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  const banner = form.querySelector("[data-form-error]");
  if (banner) banner.hidden = true;
}

/** @param {HTMLFormElement} form @param {Error & {errors?: {field: string, message: string}[]}} error */
export function showProblem(form, error) {
  const homeless = (error.errors ?? []).filter(({ field, message }) => !setFieldError(form, field, message));
  const words = error.errors?.length ? homeless.map(({ field, message }) => [labelOf(form, field), message].filter(Boolean).join(" – ")).join(" ") : error.message;
  const banner = form.querySelector("[data-form-error]");
  if (banner && words) {
    fill(banner, { text: words });
    banner.hidden = false;
  }
  const wrong = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("[aria-invalid]")]);
  wrong.find((control) => control.getClientRects().length)?.focus();
}

/**
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, string>) => Promise<void>} send may throw a Problem
 */
export function onSubmit(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    clearErrors(form);
    form.dataset.busy = "true";
    const button = form.querySelector("[type=submit]");
    button?.setAttribute("aria-busy", "true");
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showProblem(form, error);
    } finally {
      delete form.dataset.busy;
      button?.removeAttribute("aria-busy");
    }
  });
}
