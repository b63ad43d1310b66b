/** Creating and editing a user, resetting the password, deactivating; secrets shown once. */
import { makeSecretDialog } from "controllers/secret";
import { clearErrors, onSubmit, showProblem } from "lib/form";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page @param {{nameOf: (user: any) => string, saved: () => void}} list */
export function makeUserForm({ api, toasts, t }, { nameOf, saved }) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("user-dialog"));
  const form = /** @type {HTMLFormElement} */ (document.getElementById("user-form"));
  const title = document.getElementById("user-title");
  const reset = document.getElementById("reset-password");
  const toggle = document.getElementById("toggle-active");
  const secrets = makeSecretDialog(toasts, t);
  /** @type {any} */
  let user = null;

  function open(values, heading) {
    clearErrors(form);
    form.reset();
    for (const [name, value] of Object.entries(values)) {
      const control = form.elements.namedItem(name);
      if (control) control.value = value ?? "";
    }
    title.textContent = heading;
    reset.hidden = toggle.hidden = !user;
    if (user) fill(toggle, { text: user.active ? t("Deactivate") : t("Activate again") });
    dialog.showModal();
  }

  onSubmit(form, async (values) => {
    const body = { ...values, site_id: values.site_id || null, extension: values.extension || null };
    const answer = user ? await api.patch(`/api/users/${user.id}`, body) : await api.post("/api/users", body);
    dialog.close();
    saved();
    const name = nameOf(answer?.user ?? body);
    if (answer?.password || answer?.sip_secret) secrets.show(t("Secrets of %(name)s", { name }), answer);
    else toasts.done(t("%(name)s is saved.", { name }));
  });

  /** @param {() => Promise<void>} work */
  async function attempt(work) {
    clearErrors(form);
    try {
      await work();
    } catch (error) {
      showProblem(form, error);
    }
  }

  reset.addEventListener("click", () => attempt(async () => {
    const answer = await api.post(`/api/users/${user.id}/reset-password`);
    dialog.close();
    secrets.show(t("Secrets of %(name)s", { name: nameOf(user) }), answer);
  }));
  toggle.addEventListener("click", () => attempt(async () => {
    await api.patch(`/api/users/${user.id}`, { active: !user.active });
    dialog.close();
    saved();
    toasts.done(user.active ? t("%(name)s can no longer log in.", { name: nameOf(user) }) : t("%(name)s can log in again.", { name: nameOf(user) }));
  }));
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());

  return {
    create() { user = null; open({ role: "AGENT" }, t("New user")); },
    /** @param {any} chosen */ edit(chosen) { user = chosen; open(chosen, nameOf(chosen)); },
  };
}
