/** Creating and editing a user, resetting the password, deactivating; secrets shown once. */
import { makeSecretDialog } from "controllers/secret";
import { makeStation } from "controllers/station";
import { clearErrors, onSubmit, showProblem } from "lib/form";
import { fill } from "lib/render";

const FIELDS = ["first_name", "last_name", "login", "email", "role", "site_id", "extension"];

/** @param {import("lib/page").Page} page @param {{nameOf: (user: any) => string, saved: () => void}} list */
export function makeUserForm(page, { nameOf, saved }) {
  const { api, toasts, t } = page;
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("user-dialog"));
  const form = /** @type {HTMLFormElement} */ (document.getElementById("user-form"));
  const title = document.getElementById("user-title");
  const reset = document.getElementById("reset-password");
  const resetPhone = document.getElementById("reset-phone");
  const toggle = document.getElementById("toggle-active");
  const scope = document.getElementById("scope");
  const role = form.elements.namedItem("role");
  const secrets = makeSecretDialog(page);
  const station = makeStation(form, t);
  /** @type {any} */
  let user = null;

  function showScope() {
    scope.hidden = role.value !== "SUPERVISOR";
  }

  function bodyOf(values) {
    const checked = [...scope.querySelectorAll("input:checked")].map((box) => box.value);
    return { ...values, ...station.body(values), site_id: values.site_id || null, extension: values.extension || null, site_ids: scope.hidden ? [] : checked };
  }

  /** A softphone is set up by its agent, so how is told with its password. */
  function showSecrets(name, answer, { extension }) {
    const phone = { extension, user: name, label: "" };
    const accounts = answer.provisioning ? [{ phone, secret: answer.sip_secret, provisioning: answer.provisioning }] : [];
    secrets.show(t("Secrets of %(name)s", { name }), answer, accounts);
  }

  function open(values, heading) {
    clearErrors(form);
    form.reset();
    for (const name of FIELDS) form.elements.namedItem(name).value = values[name] ?? "";
    for (const box of scope.querySelectorAll("input")) box.checked = (values.site_ids ?? []).includes(box.value);
    showScope();
    station.show(values);
    title.textContent = heading;
    document.getElementById("user-acts").hidden = !user;
    resetPhone.hidden = !user?.extension || user.station === "mobile";
    if (user) fill(toggle, { text: user.active ? t("Deactivate") : t("Activate again") });
    dialog.showModal();
  }

  onSubmit(form, async (values) => {
    const body = bodyOf(values);
    const answer = user ? await api.patch(`/api/users/${user.id}`, body) : await api.post("/api/users", body);
    dialog.close();
    saved();
    const name = nameOf(answer?.user ?? body);
    if (answer?.password || answer?.sip_secret) showSecrets(name, answer, body);
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
  resetPhone.addEventListener("click", () => attempt(async () => {
    const answer = await api.post(`/api/users/${user.id}/reset-phone`);
    dialog.close();
    showSecrets(nameOf(user), answer, user);
  }));
  role.addEventListener("change", showScope);
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
