/** Creating and editing a user, resetting the password, deactivating; secrets shown once. */
import { makeSecretDialog } from "controllers/secret";
import { makeSheet } from "controllers/sheet";
import { makeStation } from "controllers/station";
import { clearErrors, showProblem } from "lib/form";
import { formatNumber } from "lib/phone-number";
import { fill } from "lib/render";

const FIELDS = ["first_name", "last_name", "login", "email", "role", "site_id", "extension"];
const FRESH = { role: "AGENT" };

/** @param {import("lib/page").Page} page @param {{nameOf: (user: any) => string, find: (user: any) => any, saved: () => void}} list */
export function makeUserForm(page, { nameOf, find, saved }) {
  const { api, toasts, t } = page;
  const place = (id) => document.getElementById(id);
  const form = /** @type {HTMLFormElement} */ (place("user-form"));
  const [reset, resetPhone, toggle, scope] = ["reset-password", "reset-phone", "toggle-active", "scope"].map(place);
  const role = form.elements.namedItem("role");
  const secrets = makeSecretDialog(page);
  const station = makeStation(form, t);
  /** What the button says. */
  let activates = false;

  function showScope() {
    scope.hidden = role.value !== "SUPERVISOR";
  }

  /** A softphone is set up by its agent, so how is told with its password. */
  function showSecrets(name, answer, extension) {
    const phone = { extension, user: name, label: "" };
    const accounts = answer.provisioning ? [{ phone, secret: answer.sip_secret, provisioning: answer.provisioning }] : [];
    secrets.show(t("Secrets of %(name)s", { name }), answer, accounts);
  }

  const sheet = makeSheet(page, {
    id: "user",
    title: (user) => (user ? nameOf(user) : t("New user")),
    show(user) {
      const values = user ?? FRESH;
      for (const name of FIELDS) form.elements.namedItem(name).value = values[name] ?? "";
      for (const box of scope.querySelectorAll("input")) box.checked = (values.site_ids ?? []).includes(box.value);
      showScope();
      station.show(values);
      place("user-acts").hidden = !user;
      resetPhone.hidden = !user?.extension || user.station === "mobile";
      activates = Boolean(user) && !user.active;
      fill(toggle, { text: activates ? t("Activate again") : t("Deactivate") });
    },
    body(values) {
      const checked = [...scope.querySelectorAll("input:checked")].map((box) => box.value);
      return { ...values, ...station.body(values), site_id: values.site_id || null, extension: values.extension || null, site_ids: scope.hidden ? [] : checked };
    },
    save: (body, user, version) => (user ? api.patch(`/api/users/${user.id}`, body, version) : api.post("/api/users", body)),
    find,
    words: { mobile: (number) => formatNumber(number) },
    saved(answer) {
      saved();
      const name = nameOf(answer?.user ?? {});
      if (answer?.password || answer?.sip_secret) showSecrets(name, answer, answer.user.extension);
      else toasts.done(t("%(name)s is saved.", { name }));
    },
  });

  /** @param {(user: any, version?: string) => Promise<void>} work */
  async function attempt(work) {
    clearErrors(form);
    try {
      await sheet.act((version) => work(sheet.row(), version));
    } catch (error) {
      showProblem(form, error);
    }
  }

  reset.addEventListener("click", () => attempt(async (user) => {
    const answer = await api.post(`/api/users/${user.id}/reset-password`);
    sheet.dialog.close();
    secrets.show(t("Secrets of %(name)s", { name: nameOf(user) }), answer);
  }));
  resetPhone.addEventListener("click", () => attempt(async (user) => {
    const answer = await api.post(`/api/users/${user.id}/reset-phone`);
    sheet.dialog.close();
    showSecrets(nameOf(user), answer, user.extension);
  }));
  role.addEventListener("change", showScope);
  toggle.addEventListener("click", () => attempt(async (user, version) => {
    await api.patch(`/api/users/${user.id}`, { active: activates }, version);
    sheet.dialog.close();
    saved();
    toasts.done(activates ? t("%(name)s can log in again.", { name: nameOf(user) }) : t("%(name)s can no longer log in.", { name: nameOf(user) }));
  }));

  return {
    create: () => sheet.open(null), look: sheet.look,
    /** @param {any} user */ edit: (user) => sheet.open(user),
  };
}
