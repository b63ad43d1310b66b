/** The form of a number, or of a range of them: whom its callers reach, while it is open and while it is closed. */
import { makeDestinationField, makeDestinationWords } from "controllers/destination-field";
import { makeSheet } from "controllers/sheet";
import { formatNumber } from "lib/phone-number";

const RING_SECONDS = 30;
const NOBODY = { target: "none", user_id: null, phone_id: null, forward_to: "" };
/** What can be rung in vain. */
const RINGS = new Set(["agent", "phone", "number"]);
const CLOSED = { ...NOBODY, target: "voicemail" };

/**
 * @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context
 * @param {ReturnType<typeof import("controllers/number-pages").makeNumberPages>} numbers
 */
export function makeNumberForm(page, { data, site, confirm }, numbers) {
  const { api, toasts, t, tn } = page;
  const root = /** @type {HTMLFormElement} */ (document.getElementById("number-form"));
  const control = (name) => /** @type {HTMLInputElement} */ (root.elements.namedItem(name));
  /** @type {{dids: any[], done: () => void}|null} those that are edited together */
  let many = null;
  const [opened, closed, unanswered] = ["opened", "closed", "unanswered"].map((name) => makeDestinationField(root.querySelector(`[data-destination=${name}]`), data, () => site().id, t));

  const whom = makeDestinationWords(data, t);

  function follow() {
    root.querySelector("[data-range]").hidden = control("many").value !== "range";
    root.querySelector("[data-closed]").hidden = !control("schedule_id").value;
    const first = [control("opened.target"), ...(control("schedule_id").value ? [control("closed.target")] : [])];
    root.querySelector("[data-unanswered]").hidden = !first.some(({ value }) => RINGS.has(value));
  }

  function offerSchedules(chosen) {
    const rows = data.rows("schedule").sort((a, b) => a.name.localeCompare(b.name));
    /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (control("schedule_id"))).replaceChildren(new Option(t("Always open"), ""), ...rows.map((row) => new Option(row.name, row.id)));
    control("schedule_id").value = chosen ?? "";
  }

  /** Each gets the same hours and destinations; those whose label is not written keep theirs. */
  function saveMany({ number: _, label, ...shared }) {
    return api.patch("/api/dids", { ids: many.dids.map(({ id }) => id), ...shared, ...(label ? { label } : {}) });
  }

  /** Pressed again after one was refused, it goes on with those that are left. */
  async function removeAll(dids) {
    try {
      for (const did of dids) if (!many || many.dids.includes(did)) await remove(did, many ? (numbers.find(did.id) ?? did).version : did.version);
    } finally {
      await numbers.reload();
    }
    many?.done();
    sheet.dialog.close();
  }

  function left(did) {
    if (many) many.dids = many.dids.filter((other) => other !== did);
  }

  /** Of many, which one stands in the way is said. */
  async function remove(did, version) {
    try {
      await api.del(`/api/dids/${did.id}`, version);
      left(did);
    } catch (error) {
      if (many && error.status === 404) return left(did);
      if (many) error.message = t("%(name)s: %(value)s", { name: formatNumber(did.number), value: error.message });
      throw error;
    }
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
      unanswered.set(row?.unanswered ?? NOBODY);
      control("ring_seconds").value = String(row?.ring_seconds ?? RING_SECONDS);
      for (const part of root.querySelectorAll("[data-new-only]")) part.hidden = Boolean(row);
      for (const part of root.querySelectorAll("[data-one-only]")) part.hidden = Boolean(many);
      root.querySelector("[data-many-only]").hidden = !many;
      root.querySelector("[data-delete]").hidden = !row;
      follow();
    },
    body: (values) => ({
      number: values.number.trim(), ...(values.many === "range" ? { last: values.last.trim() } : {}), label: values.label.trim(),
      schedule_id: values.schedule_id || null, opened: opened.get(), closed: values.schedule_id ? closed.get() : NOBODY,
      unanswered: unanswered.get(), ring_seconds: Number(values.ring_seconds),
    }),
    save: (body, row, version) => (many ? saveMany(body) : row ? api.patch(`/api/dids/${row.id}`, body, version) : api.post("/api/dids", { ...body, site_id: site().id })),
    find: (row) => numbers.find(row.id),
    missed: (row) => (numbers.isElsewhere(row.id) ? t("Somebody else has just moved this number to another site.") : undefined),
    words: { opened: whom, closed: whom, unanswered: whom },
    saved(answer, row) {
      many?.done();
      toasts.done(row || many || !answer?.items ? t("Saved.") : tn("%(n)s number is made.", "%(n)s numbers are made.", answer.items.length));
      void numbers.reload();
    },
  });

  root.addEventListener("change", follow);
  root.querySelector("[data-delete]").addEventListener("click", () => {
    const dids = many?.dids ?? [sheet.row()];
    const name = many ? tn("%(n)s number", "%(n)s numbers", dids.length) : formatNumber(dids[0].number);
    confirm.ask({
      title: t("Delete %(name)s?", { name }), text: t("Callers will hear that the number is not in service."),
      act: t("Delete"), done: tn("%(n)s number is deleted.", "%(n)s numbers are deleted.", dids.length), work: () => (many ? removeAll(dids) : sheet.act((version) => removeAll([{ ...dids[0], version }]))),
    });
  });

  return {
    create() { many = null; sheet.open(null); }, look: sheet.look,
    /** @param {any} did */ edit(did) { many = null; sheet.open(did); },
    /** Several at once, by the settings of the first. @param {any[]} dids @param {() => void} done */
    editMany(dids, done) { many = { dids, done }; sheet.open(null); },
  };
}
