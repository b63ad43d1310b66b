/** The form of a schedule: its week, whose public holidays close it, and the days that differ. */
import { makeExceptionField } from "controllers/exception-field";
import { makeSheet } from "controllers/sheet";
import { makeWeekField } from "controllers/week-field";
import { specialInWords, weekInWords } from "lib/week";

const WEEK = [1, 2, 3, 4, 5].flatMap((day) => [{ day, opens: "09:00", closes: "12:00" }, { day, opens: "14:00", closes: "18:00" }]);
const FRESH = { name: "", zone: "Europe/Paris", holidays: "FR", hours: WEEK, exceptions: [] };
const PLAIN = ["name", "zone", "holidays"];

/** @param {import("lib/page").Page} page @param {import("controllers/admin-data").AdminData} data @param {ReturnType<typeof import("controllers/confirm").makeConfirm>} confirm @param {ReturnType<typeof import("controllers/did-counts").makeDidCounts>} counts */
export function makeScheduleForm(page, data, confirm, counts) {
  const { api, locale, toasts, t, tn } = page;
  const root = /** @type {HTMLFormElement} */ (document.getElementById("schedule-form"));
  const week = makeWeekField(root.querySelector("[data-week]"), page);
  const exceptions = makeExceptionField(root.querySelector("[data-exceptions]"), page);
  const control = (name) => /** @type {HTMLInputElement|HTMLSelectElement} */ (root.elements.namedItem(name));

  /** What is refused within the week or the days is told there, the rest by the form. */
  async function told(work) {
    try {
      return await work();
    } catch (error) {
      const fields = error.errors ?? [];
      error.errors = fields.filter(({ field, message }) => !week.fail(field, message) && !exceptions.fail(field, message));
      if (fields.length && !error.errors.length) error.message = "";
      throw error;
    }
  }

  const sheet = makeSheet(page, {
    id: "schedule",
    title: (row) => (row ? row.name : t("New opening hours")),
    show(row) {
      const values = row ?? FRESH;
      for (const name of PLAIN) {
        const select = control(name);
        if (select instanceof HTMLSelectElement && ![...select.options].some(({ value }) => value === values[name])) select.append(new Option(values[name], values[name]));
        select.value = values[name];
      }
      week.set(values.hours);
      exceptions.set(values.exceptions);
      root.querySelector("[data-delete]").hidden = !row;
    },
    body: (values) => ({ ...Object.fromEntries(PLAIN.map((name) => [name, values[name].trim()])), hours: week.get(), exceptions: exceptions.get() }),
    save: (body, row, version) => told(() => {
      if (!exceptions.complete()) throw new Error("");
      return row ? api.patch(`/api/schedules/${row.id}`, body, version) : api.post("/api/schedules", body);
    }),
    find: (row) => data.find("schedule", row.id),
    words: { hours: (hours) => weekInWords(hours, locale), exceptions: (days) => days.map((day) => specialInWords(day, locale, t)).join("\n") },
    saved() { toasts.done(t("Saved.")); void data.reload(["schedule"]); },
  });

  root.querySelector("[data-copy-monday]").addEventListener("click", week.copyMonday);
  root.querySelector("[data-delete]").addEventListener("click", () => {
    const row = sheet.row();
    const count = counts.ofSchedule(row.id);
    confirm.ask({
      title: t("Delete %(name)s?", { name: row.name }),
      text: count ? tn("%(n)s number follows these hours. Choose others for it first.", "%(n)s numbers follow these hours. Choose others for them first.", count) : t("No number follows these hours. This cannot be undone."),
      act: t("Delete"), done: t("%(name)s is deleted.", { name: row.name }),
      work: () => sheet.act(async (version) => { await api.del(`/api/schedules/${row.id}`, version); sheet.dialog.close(); await data.reload(["schedule"]); }),
    });
  });

  return {
    create: () => sheet.open(null), look: sheet.look,
    /** @param {any} schedule */ edit: (schedule) => sheet.open(schedule),
  };
}
