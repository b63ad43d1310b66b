/** A site's phones: made one or in a range, edited, taken away; a new password for any phone. */
import { makeConfirm } from "controllers/confirm";
import { makeSecretDialog } from "controllers/secret";
import { makeSheet } from "controllers/sheet";
import { showProblem } from "lib/form";
import { fill } from "lib/render";
import { formatNumber } from "lib/phone-number";

const FIELDS = ["site_id", "label", "extension", "last"];

/**
 * @param {import("lib/page").Page} page
 * @param {{words: ReturnType<typeof import("lib/phone-words").makePhoneWords>, siteName: (id: string) => string, find: (phone: any) => any, saved: () => void}} list
 */
export function makePhoneForm(page, { words, siteName, find, saved }) {
  const { api, toasts, t, tn } = page;
  const place = (id) => document.getElementById(id);
  const secrets = makeSecretDialog(page);
  const confirm = makeConfirm(page);
  const agentDialog = /** @type {HTMLDialogElement} */ (place("agent-phone"));
  /** @type {any} the agent's phone that is looked at */
  let looked = null;

  const nameOf = (phone) => [phone.extension, phone.user || phone.label].filter(Boolean).join(" · ");

  function showMade(accounts) {
    const title = accounts.length > 1 ? tn("%(n)s phone made", "%(n)s phones made", accounts.length) : t("Phone %(name)s", { name: nameOf(accounts[0].phone) });
    secrets.show(title, { sip_secret: accounts[0].secret }, accounts);
  }

  const sheet = makeSheet(page, {
    id: "phone",
    title: (phone) => (phone ? t("Phone %(name)s", { name: nameOf(phone) }) : t("New phone")),
    show(phone, form) {
      for (const name of FIELDS) if (phone || name !== "site_id") form.elements.namedItem(name).value = phone?.[name] ?? "";
      place("phone-range").hidden = Boolean(phone);
      place("phone-acts").hidden = !phone;
      form.querySelector("[data-delete]").hidden = !phone;
    },
    body: ({ site_id, label, extension, last }) => ({ site_id, label: label.trim(), extension: extension.trim(), ...(last?.trim() ? { last: last.trim() } : {}) }),
    save: (body, phone, version) => (phone ? api.patch(`/api/phones/${phone.id}`, body, version) : api.post("/api/phones", body)),
    find,
    saved(answer, phone) {
      saved();
      if (phone) toasts.done(t("Saved."));
      else showMade(answer.items);
    },
  });

  /** @param {any} phone @param {HTMLDialogElement} dialog @param {(error: any) => void} failed */
  async function reset(phone, dialog, failed) {
    try {
      const account = await api.post(`/api/phones/${phone.id}/reset`);
      dialog.close();
      showMade([account]);
    } catch (error) {
      failed(error);
    }
  }

  sheet.form.querySelector("[data-reset]").addEventListener("click", () => reset(sheet.row(), sheet.dialog, (error) => showProblem(sheet.form, error)));
  agentDialog.querySelector("[data-reset]").addEventListener("click", () => reset(looked, agentDialog, toasts.failed));
  for (const button of agentDialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => agentDialog.close());
  sheet.form.querySelector("[data-delete]").addEventListener("click", () => {
    const phone = sheet.row();
    confirm.ask({
      title: t("Delete the phone %(name)s?", { name: nameOf(phone) }),
      text: t("It will ring no more and can call no more, once the configuration is applied."),
      act: t("Delete"), done: t("The phone %(name)s is deleted.", { name: nameOf(phone) }),
      work: () => sheet.act(async (version) => {
        await api.del(`/api/phones/${phone.id}`, version);
        sheet.dialog.close();
        saved();
      }),
    });
  });

  function look(phone) {
    looked = phone;
    fill(agentDialog, { title: t("Phone %(name)s", { name: nameOf(phone) }) });
    const pairs = [[t("Agent"), phone.user], [t("Kind"), words.kind(phone.kind)], [t("Mobile"), formatNumber(phone.mobile)], [t("Site"), siteName(phone.site_id)]];
    place("agent-phone-facts").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => [
      Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }),
    ]));
    agentDialog.querySelector("[data-reset]").hidden = phone.kind === "mobile";
    agentDialog.querySelector("[data-agent]").href = `/users?user=${encodeURIComponent(phone.user_id)}`;
    agentDialog.showModal();
  }

  return {
    create: () => sheet.open(), look: sheet.look,
    /** @param {any} phone */ open: (phone) => (phone.user_id ? look(phone) : sheet.open(phone)),
  };
}
