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
  /** @type {{dids: any[], done: () => void}|null} those that are edited together */
  let many = null;
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

  /** Each gets the same hours and destinations; those whose label is not written keep theirs. */
  async function saveMany({ label, schedule_id: hours, opened: open, closed: shut }) {
    const body = { schedule_id: hours, opened: open, closed: shut, ...(label ? { label } : {}) };
    for (const did of many.dids) await api.patch(`/api/dids/${did.id}`, body);
  }

  async function removeAll(dids) {
    try {
      for (const did of dids) await api.del(`/api/dids/${did.id}`);
    } finally {
      await data.reload(["did"]);
    }
    many?.done();
    sheet.dialog.close();
  }

  const sheet = makeSheet(page, {
    id: "number",
    title: (row) => (row ? formatNumber(row.number) : many ? tn("%(n)s number", "%(n)s numbers", many.dids.length) : t("New number")),
    show(given) {
      const row = given ?? many?.dids[0];
      control("number").value = given ? formatNumber(given.number) : "";
      control("number").readOnly = Boolean(given);
      control("last").value = "";
      control("many").value = "";
      control("label").value = given?.label ?? "";
      offerSchedules(row?.schedule_id);
      opened.set(row?.opened ?? { ...NOBODY, target: data.rows("phone").some((phone) => phone.user_id) ? "agent" : "voicemail" });
      closed.set(row?.schedule_id ? row.closed : CLOSED);
      for (const part of root.querySelectorAll("[data-new-only]")) part.hidden = Boolean(row);
      for (const part of root.querySelectorAll("[data-one-only]")) part.hidden = Boolean(many);
      root.querySelector("[data-many-only]").hidden = !many;
      root.querySelector("[data-delete]").hidden = !row;
      follow();
    },
    body: (values) => ({
      number: values.number.trim(), ...(values.many === "range" ? { last: values.last.trim() } : {}), label: values.label.trim(),
      schedule_id: values.schedule_id || null, opened: opened.get(), closed: values.schedule_id ? closed.get() : NOBODY,
    }),
    save: (body, row) => (many ? saveMany(body) : row ? api.patch(`/api/dids/${row.id}`, body) : api.post("/api/dids", { ...body, site_id: site().id })),
    find: (row) => data.find("did", row.id),
    saved(answer, row) {
      many?.done();
      toasts.done(row || many || !answer?.items ? t("Saved.") : tn("%(n)s number is made.", "%(n)s numbers are made.", answer.items.length));
      void data.reload(["did"]);
    },
  });

  root.addEventListener("change", follow);
  root.querySelector("[data-delete]").addEventListener("click", () => {
    const dids = many?.dids ?? [sheet.row()];
    const name = many ? tn("%(n)s number", "%(n)s numbers", dids.length) : formatNumber(dids[0].number);
    confirm.ask({
      title: t("Delete %(name)s?", { name }), text: t("Callers will hear that the number is not in service."),
      act: t("Delete"), done: tn("%(n)s number is deleted.", "%(n)s numbers are deleted.", dids.length), work: () => removeAll(dids),
    });
  });

  return {
    create() { many = null; sheet.open(null); }, look: sheet.look,
    /** @param {any} did */ edit(did) { many = null; sheet.open(did); },
    /** Several at once, by the settings of the first. @param {any[]} dids @param {() => void} done */
    editMany(dids, done) { many = { dids, done }; sheet.open(null); },
  };
}
