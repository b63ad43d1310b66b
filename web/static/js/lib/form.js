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

/** @param {HTMLFormElement} form @param {string} field @param {string} message "" clears it */
export function setFieldError(form, field, message) {
  const { name, place } = placeOf(form, field);
  const found = form.elements.namedItem(field) ?? form.elements.namedItem(name);
  const control = found instanceof RadioNodeList ? found[0] : found;
  if (place) place.textContent = message;
  if (control instanceof HTMLElement) control.toggleAttribute("aria-invalid", false);
  if (message && control instanceof HTMLElement) control.setAttribute("aria-invalid", "true");
  if (message) place?.closest("details")?.setAttribute("open", "");
  return Boolean(place);
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
  const words = error.errors?.length ? homeless.map(({ message }) => message).join(" ") : error.message;
  const banner = form.querySelector("[data-form-error]");
  if (banner && words) {
    fill(banner, { text: words });
    banner.hidden = false;
  }
  form.querySelector("[aria-invalid]")?.focus();
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
