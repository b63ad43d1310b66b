/** Short messages in a corner. An error stays until it is closed; a success leaves by itself. */
import { fill, fromTemplate } from "lib/render";

const STAY_MS = 5000;

export function makeToasts() {
  const box = document.getElementById("toasts");

  /** @param {string} text @param {"good"|"bad"} tone @param {string} icon */
  function show(text, tone, icon) {
    const toast = fromTemplate("tpl-toast");
    fill(toast, { root: { tone }, icon: { icon }, text });
    toast.querySelector("[data-close]").addEventListener("click", () => toast.remove());
    box.append(toast);
    if (tone === "good") window.setTimeout(() => toast.remove(), STAY_MS);
  }

  return {
    /** @param {string} text */ done: (text) => show(text, "good", "circle-check"),
    /** @param {unknown} error */ failed: (error) => show(error instanceof Error ? error.message : String(error), "bad", "circle-alert"),
  };
}
