/** Secrets that the server tells once: shown until closed, copied by a button, then wiped from the page. */

/** @param {import("lib/page").Page["toasts"]} toasts @param {import("lib/i18n").Translate} t */
export function makeSecretDialog(toasts, t) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("secret-dialog"));
  const place = (name) => dialog.querySelector(`code[data-field="${name}"]`);

  for (const button of dialog.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(place(button.dataset.copy).textContent);
        toasts.done(t("Copied."));
      } catch {
        // No clipboard outside https: select it, the user copies by hand.
        getSelection().selectAllChildren(place(button.dataset.copy));
      }
    });
  }
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { for (const code of dialog.querySelectorAll("code")) code.textContent = ""; });

  return {
    /** @param {string} title @param {Record<string, any>} secrets */
    show(title, secrets) {
      document.getElementById("secret-title").textContent = title;
      for (const block of dialog.querySelectorAll("[data-secret]")) {
        const code = block.querySelector("code");
        code.textContent = secrets[code.dataset.field] ?? "";
        block.hidden = !code.textContent;
      }
      dialog.showModal();
    },
  };
}
