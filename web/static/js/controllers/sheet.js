/**
 * A dialog with the form of one record, new or known. Sends only what was changed, so that two people who edit
 * different things of one record do not undo each other; says when somebody else changed it meanwhile.
 */
import { clearErrors, onSubmit } from "lib/form";
import { fill } from "lib/render";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * @param {import("lib/page").Page} page
 * @param {object} options
 * @param {string} options.id  of the dialog is id-dialog, of the form id-form
 * @param {(row: any) => string} options.title
 * @param {(row: any, form: HTMLFormElement) => void} options.show  fills the form from a row, or for a new one (null)
 * @param {(values: Record<string, string>) => any} options.body  what the API is sent
 * @param {(body: any, row: any) => Promise<any>} options.save  `body` of a known row has only what changed
 * @param {(row: any) => any} [options.find]  the row as it is now
 * @param {(row: any) => any} [options.changes]  what of a row somebody may have changed
 * @param {(answer: any, row: any) => void} options.saved
 */
export function makeSheet({ t }, { id, title, show, body, save, find, changes = (row) => row, saved }) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById(`${id}-dialog`));
  const form = /** @type {HTMLFormElement} */ (document.getElementById(`${id}-form`));
  const note = /** @type {HTMLElement} */ (dialog.querySelector("[data-note]"));
  let row = null;
  let before = null;
  let warned = false;

  const now = () => body(Object.fromEntries(/** @type {any} */ (new FormData(form))));

  function tell(text) {
    fill(note, { note: text });
    note.hidden = !text;
  }

  /** Ready to type in; not on a telephone, whose keyboard would cover the form. */
  function focusFirst() {
    if (!matchMedia("(pointer: fine)").matches) return;
    const controls = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll(".dialog-body :is(input, select)")]);
    controls.find((control) => !control.readOnly && control.getClientRects().length)?.focus();
  }

  onSubmit(form, async (values) => {
    const whole = body(values);
    const changed = Object.fromEntries(Object.entries(whole).filter(([name, value]) => !same(value, before[name])));
    if (row && Object.keys(changed).length === 0) return dialog.close();
    const answer = await save(row ? changed : whole, row);
    dialog.close();
    saved(answer, row);
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
    /** @param {any} [known] null or nothing for a new one */
    open(known = null) {
      row = known;
      warned = false;
      clearErrors(form);
      tell("");
      form.reset();
      fill(dialog, { title: title(row) });
      show(row, form);
      before = now();
      dialog.showModal();
      focusFirst();
    },
    /** The record may have changed under the open form. */
    look() {
      if (!dialog.open || !row || !find) return;
      const current = find(row);
      if (!current) tell(t("Somebody else has just deleted this."));
      else if (!same(changes(current), changes(row))) tell(t("Somebody else has just changed this. Only what you change here will be saved."));
    },
  };
}
