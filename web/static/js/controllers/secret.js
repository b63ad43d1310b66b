/** Secrets that the server tells once: shown until closed, copied by a button, then wiped from the page. */
import { makeProvisioning } from "controllers/provisioning";
import { copyText } from "lib/clipboard";

/** @param {Pick<import("lib/page").Page, "toasts"|"t"|"locale">} page */
export function makeSecretDialog(page) {
  const { toasts, t } = page;
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("secret-dialog"));
  const place = (name) => dialog.querySelector(`code[data-field="${name}"]`);

  function put(secrets) {
    for (const block of dialog.querySelectorAll("[data-secret]")) {
      const code = block.querySelector("code");
      code.textContent = secrets[code.dataset.field] ?? "";
      block.hidden = !code.textContent;
    }
  }

  const provisioning = makeProvisioning(page, (secret) => put({ password: place("password").textContent, sip_secret: secret }));

  for (const button of dialog.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      if (await copyText(place(button.dataset.copy))) toasts.done(t("Copied."));
    });
  }
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { put({}); provisioning.wipe(); });

  return {
    /**
     * @param {string} title
     * @param {{password?: string, sip_secret?: string}} secrets
     * @param {import("controllers/provisioning").Account[]} [accounts] phones with how to set them up
     */
    show(title, secrets, accounts = []) {
      document.getElementById("secret-title").textContent = title;
      put(secrets);
      provisioning.show(accounts);
      dialog.showModal();
      dialog.scrollTop = 0;
    },
  };
}
