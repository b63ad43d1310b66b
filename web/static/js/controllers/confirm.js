/** Asks before something is lost, says what hangs on it, and shows the server's refusal where it was asked. */
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page */
export function makeConfirm({ toasts }) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("confirm"));
  const banner = /** @type {HTMLElement} */ (dialog.querySelector("[data-form-error]"));
  const act = /** @type {HTMLButtonElement} */ (dialog.querySelector("[data-act]"));
  /** @type {{work: () => Promise<void>, done: string}|null} */
  let asked = null;

  act.addEventListener("click", async () => {
    if (!asked || act.hasAttribute("aria-busy")) return;
    banner.hidden = true;
    act.setAttribute("aria-busy", "true");
    try {
      await asked.work();
      dialog.close();
      toasts.done(asked.done);
    } catch (error) {
      fill(banner, { text: error.message });
      banner.hidden = false;
    } finally {
      act.removeAttribute("aria-busy");
    }
  });
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());

  return {
    /** @param {{title: string, text: string, act: string, done: string, work: () => Promise<void>}} question */
    ask({ title, text, act: label, done, work }) {
      asked = { work, done };
      banner.hidden = true;
      fill(dialog, { title, question: text, act: label });
      dialog.showModal();
    },
  };
}
