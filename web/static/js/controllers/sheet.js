/**
 * A dialog with the form of one record, new or known. Sends only what was changed, and for which version of the record:
 * when somebody else changed it meanwhile, it says what, and nothing that was typed is lost.
 */
import { makeChanged } from "controllers/changed";
import { clearErrors, onSubmit } from "lib/form";
import { meet, pick, same } from "lib/merge";
import { fill } from "lib/render";

/**
 * @param {import("lib/page").Page} page
 * @param {object} options
 * @param {string} options.id  of the dialog is id-dialog, of the form id-form
 * @param {(row: any) => string} options.title
 * @param {(row: any, form: HTMLFormElement) => void} options.show  fills the form from a row, or for a new one (null)
 * @param {(values: Record<string, string>) => any} options.body  what the API is sent
 * @param {(body: any, row: any, version?: string) => Promise<any>} options.save  `body` of a known row has only what changed
 * @param {(row: any) => any} [options.find]  the row as it is now
 * @param {(problem: any, row: any) => any} [options.fresh]  the row as it is now, after the API refused a version that is over
 * @param {Record<string, (value: any) => string>} [options.words]  of fields whose values are no text
 * @param {(row: any) => string} [options.missed]  why `find` finds it no more
 * @param {(answer: any, row: any) => void} options.saved
 */
export function makeSheet(page, { id, title, show, body, save, find, fresh = (problem) => problem.row, words = {}, missed, saved }) {
  const { t } = page;
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById(`${id}-dialog`));
  const form = /** @type {HTMLFormElement} */ (document.getElementById(`${id}-form`));
  const note = /** @type {HTMLElement} */ (dialog.querySelector("[data-note]"));
  let row = null;
  let before = null;
  let warned = false;
  /** @type {{theirs: any, by: import("controllers/changed").By}|null} what the other changed, until it is settled */
  let pending = null;
  /** Versions that are over: a list that missed the stream may still hold one. @type {Set<string>} */
  const over = new Set();
  const changed = makeChanged(page, form, words, (choice) => settle(choice));

  const now = () => body(Object.fromEntries(/** @type {any} */ (new FormData(form))));

  function tell(text) {
    fill(note, { note: text });
    note.hidden = !text;
  }

  const gone = (lost) => missed?.(lost) ?? t("Somebody else has just deleted this.");

  /** Ready to type in; not on a telephone, whose keyboard would cover the form. */
  function focusFirst() {
    if (!matchMedia("(pointer: fine)").matches) return;
    const controls = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll(".dialog-body :is(input, select)")]);
    controls.find((control) => !control.readOnly && control.getClientRects().length)?.focus();
  }

  /** The record is another one now. Whether that is seen in this form. @param {any} theirs @param {import("controllers/changed").By} by */
  function face(theirs, by) {
    for (const seen of [row, pending?.theirs]) if (seen?.version && seen.version !== theirs.version) over.add(seen.version);
    const rows = { base: row, theirs, before, now: now() };
    const meeting = meet(rows);
    pending = meeting.theirs.length ? { theirs, by } : null;
    if (pending) changed.show(meeting, rows, by);
    else { row = theirs; changed.hide(); }
    return Boolean(pending);
  }

  /** Go on from the record as it is now, with what was typed here. @param {"mine"|"theirs"} choice where both changed the same */
  function settle(choice) {
    const { theirs } = pending;
    const typed = now();
    const { mine, both } = meet({ base: row, theirs, before, now: typed });
    const kept = pick(typed, choice === "mine" ? mine : mine.filter((name) => !both.includes(name)));
    row = theirs;
    pending = null;
    show(row, form);
    before = now();
    if (Object.keys(kept).length) show({ ...row, ...kept }, form);
    changed.hide();
    tell("");
    clearErrors(form);
    /** @type {HTMLElement} */ (form.querySelector("[type=submit]")).focus();
  }

  /** @param {boolean} [again] whether what nobody sees in this form may be tried once more */
  async function send(again = true) {
    const whole = now();
    const mine = Object.keys(whole).filter((name) => !same(whole[name], before[name]));
    if (row && !mine.length) return dialog.close();
    let answer;
    try {
      answer = await save(row ? pick(whole, mine) : whole, row, row?.version);
    } catch (error) {
      if (error.code !== "changed_meanwhile" || !row) throw error;
      const theirs = await fresh(error, row);
      if (!theirs) return tell(gone(row));
      if (face(theirs, error)) return changed.focus();
      if (again) return send(false);
      throw error;
    }
    dialog.close();
    saved(answer, row);
  }

  onSubmit(form, async () => {
    // Nobody's values are overwritten before whose shall stay is said.
    if (pending && meet({ base: row, theirs: pending.theirs, before, now: now() }).both.length) return face(pending.theirs, pending.by) && changed.focus();
    if (pending) settle("mine");
    await send();
  });

  dialog.addEventListener("cancel", (event) => {
    if (warned || same(now(), before)) return;
    // Escape is pressed by mistake; what was typed is not lost at the first.
    event.preventDefault();
    warned = true;
    tell(t("Nothing is saved yet. Press Escape again to drop what you typed."));
  });
  form.addEventListener("input", () => { if (warned) tell(""); warned = false; });
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());

  return {
    form, dialog,
    row: () => (dialog.open ? row : null),
    /**
     * What is done to the record as it is seen here (it is deleted, for instance): given its version. Refused because
     * somebody changed it meanwhile, the form says what; what nobody sees in this form is no reason to refuse.
     * @param {(version?: string) => Promise<void>} work
     */
    async act(work) {
      try {
        await work((pending?.theirs ?? row)?.version);
      } catch (error) {
        if (error.code !== "changed_meanwhile" || !row) throw error;
        const theirs = await fresh(error, row);
        if (!theirs) tell(gone(row));
        if (!theirs || face(theirs, error)) throw error;
        await work(row.version);
      }
    },
    /** @param {any} [known] null or nothing for a new one */
    open(known = null) {
      row = known;
      warned = false;
      pending = null;
      over.clear();
      clearErrors(form);
      changed.hide();
      tell("");
      form.reset();
      fill(dialog, { title: title(row) });
      show(row, form);
      before = now();
      dialog.showModal();
      focusFirst();
    },
    /** The record may have changed under the open form. What is being sent comes back with its own answer. */
    look() {
      if (!dialog.open || !row || !find || form.dataset.busy) return;
      const current = find(row);
      if (!current) tell(gone(row));
      else if (!over.has(current.version) && !same(current, row) && !same(current, pending?.theirs)) face(current, {});
    },
  };
}
