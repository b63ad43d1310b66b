/** The form of a number, or of a range of them: whom its callers reach, while it is open and while it is closed. */
import { makeDestinationField } from "controllers/destination-field";
import { makeSheet } from "controllers/sheet";
import { formatNumber } from "lib/phone-number";

const NOBODY = { target: "none", user_id: null, phone_id: null, forward_to: "" };
const CLOSED = { ...NOBODY, target: "voicemail" };

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function makeNumberForm(page, { data, site, confirm }) {
  const { api, toasts, t, tn } = page;
  const root = /** @type {HTMLFormElement} */ (document.getElementById("number-form"));
  const control = (name) => /** @type {HTMLInputElement} */ (root.elements.namedItem(name));
  const [opened, closed] = ["opened", "closed"].map((name) => makeDestinationField(root.querySelector(`[data-destination=${name}]`), data, () => site().id, t));

  function follow() {
    root.querySelector("[data-range]").hidden = control("many").value !== "range";
    root.querySelector("[data-closed]").hidden = !control("schedule_id").value;
  }

  function offerSchedules(chosen) {
    const rows = data.rows("schedule").sort((a, b) => a.name.localeCompare(b.name));
    /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (control("schedule_id"))).replaceChildren(new Option(t("Always open"), ""), ...rows.map((row) => new Option(row.name, row.id)));
    control("schedule_id").value = chosen ?? "";
  }

  const sheet = makeSheet(page, {
    id: "number",
    title: (row) => (row ? formatNumber(row.number) : t("New number")),
    show(row) {
      control("number").value = row ? formatNumber(row.number) : "";
      control("number").readOnly = Boolean(row);
      control("last").value = "";
      control("many").value = "";
      control("label").value = row?.label ?? "";
      offerSchedules(row?.schedule_id);
      opened.set(row?.opened ?? { ...NOBODY, target: "agent" });
      closed.set(row?.schedule_id ? row.closed : CLOSED);
      root.querySelector("[data-new-only]").hidden = Boolean(row);
      root.querySelector("[data-delete]").hidden = !row;
      follow();
    },
    body: (values) => ({
      number: values.number.trim(), ...(values.many === "range" ? { last: values.last.trim() } : {}), label: values.label.trim(),
      schedule_id: values.schedule_id || null, opened: opened.get(), closed: values.schedule_id ? closed.get() : NOBODY,
    }),
    save: (body, row) => (row ? api.patch(`/api/dids/${row.id}`, body) : api.post("/api/dids", { ...body, site_id: site().id })),
    find: (row) => data.find("did", row.id),
    saved(answer, row) {
      toasts.done(row || !answer?.items ? t("Saved.") : tn("%(n)s number is made.", "%(n)s numbers are made.", answer.items.length));
      void data.reload(["did"]);
    },
  });

  root.addEventListener("change", follow);
  root.querySelector("[data-delete]").addEventListener("click", () => {
    const row = sheet.row();
    confirm.ask({
      title: t("Delete %(name)s?", { name: formatNumber(row.number) }), text: t("Its callers will hear that this number is not in service."),
      act: t("Delete"), done: t("%(name)s is deleted.", { name: formatNumber(row.number) }),
      async work() { await api.del(`/api/dids/${row.id}`); sheet.dialog.close(); await data.reload(["did"]); },
    });
  });

  return {
    create: () => sheet.open(null), look: sheet.look,
    /** @param {any} did */ edit: (did) => sheet.open(did),
  };
}
