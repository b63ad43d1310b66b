/** A form that talks to the API: busy while it waits, each refused field with its reason, focus on the first. */
import { fill } from "lib/render";

/** @param {HTMLFormElement} form @param {string} name @param {string} message "" clears it */
export function setFieldError(form, name, message) {
  const control = form.elements.namedItem(name);
  const place = form.querySelector(`[data-error-for="${name}"]`);
  if (place) place.textContent = message;
  if (control instanceof HTMLElement) control.toggleAttribute("aria-invalid", false);
  if (message && control instanceof HTMLElement) control.setAttribute("aria-invalid", "true");
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
