/** A file of users or phones: dropped, read by the server without making anything, then made whole or not at all. */
import { makeCredentials } from "controllers/import-credentials";
import { fill, fromTemplate } from "lib/render";

const MOST_BYTES = 5 * 1024 * 1024;
/** By the name and not by what the system says: some call a CSV file a spreadsheet. */
const TYPES = { csv: "text/csv", xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };

/** @param {import("lib/page").Page} page @param {{path: string, imported: () => void}} options */
export function startImport(page, { path, imported }) {
  const { api, t, tn } = page;
  const place = (id) => document.getElementById(id);
  const dialog = /** @type {HTMLDialogElement} */ (place("import-dialog"));
  const input = /** @type {HTMLInputElement} */ (place("import-file"));
  const drop = place("import-drop");
  const create = /** @type {HTMLButtonElement} */ (place("import-create"));
  const problem = place("import-problem");
  const credentials = makeCredentials(page, place("import-done"));
  /** @type {Blob|null} */
  let file = null;
  let busy = false;

  /** @param {"choose"|"checked"|"done"} step */
  function go(step) {
    for (const name of ["choose", "checked", "done"]) place(`import-${name}`).hidden = name !== step;
    problem.hidden = true;
    dialog.scrollTop = 0;
  }

  /** @param {string} text */
  function refuse(text) {
    fill(problem, { text });
    problem.hidden = false;
  }

  /** @param {boolean} dry */
  async function send(dry) {
    busy = true;
    dialog.setAttribute("aria-busy", "true");
    try {
      return await api.post(`${path}?dry_run=${dry}`, file);
    } catch (error) {
      refuse([error.message, ...(error.errors ?? []).map(({ message }) => message)].join(" "));
      return null;
    } finally {
      busy = false;
      dialog.removeAttribute("aria-busy");
    }
  }

  /** A column is named as the file names it. */
  function showErrors(errors, columns) {
    const names = new Map(columns.map(({ field, name }) => [field, name]));
    place("import-errors").replaceChildren(...errors.map(({ line, field, message }) => {
      const row = fromTemplate("tpl-import-error");
      fill(row, { line: line ? String(line) : "–", field: names.get(field) ?? field, message });
      return row;
    }));
    place("import-errors-part").hidden = errors.length === 0;
  }

  function showChecked({ total, valid, errors, columns = [] }) {
    go("checked");
    const bad = errors.length > 0 || total === 0;
    place("import-verdict").dataset.tone = bad ? "bad" : "good";
    fill(place("import-verdict"), {
      mark: { icon: bad ? "circle-x" : "circle-check" },
      title: bad ? tn("%(n)s error.", "%(n)s errors.", errors.length) : tn("%(n)s line read, without an error", "%(n)s lines read, without an error", total),
      text: bad ? t("%(valid)s of %(total)s lines can be taken. Nothing is made as long as one line is wrong: put the file right and drop it again.", { valid, total }) : "",
    });
    if (total === 0 && !errors.length) fill(place("import-verdict"), { title: t("The file holds no line."), text: "" });
    showErrors(errors, columns);
    const unread = columns.filter(({ field }) => !field).map(({ name }) => name);
    place("import-unread").hidden = unread.length === 0;
    fill(place("import-unread"), { text: t("Columns that are not read: %(names)s.", { names: unread.join(", ") }) });
    create.disabled = bad;
    fill(create, { text: t("Create all (%(n)s)", { n: total }) });
    (bad ? place("import-again") : create).focus();
  }

  /** @param {File|undefined} chosen */
  async function take(chosen) {
    if (!chosen || busy) return;
    const type = TYPES[chosen.name.split(".").at(-1).toLowerCase()];
    if (!type) return refuse(t("This is neither a CSV nor an XLSX file."));
    if (chosen.size > MOST_BYTES) return refuse(t("The file is larger than 5 MiB."));
    problem.hidden = true;
    file = new Blob([chosen], { type });
    const answer = await send(true);
    input.value = ""; // The same file, corrected, must be a change again.
    if (answer && dialog.open) showChecked(answer);
  }

  async function make() {
    if (busy) return;
    create.setAttribute("aria-busy", "true");
    const answer = await send(false);
    create.removeAttribute("aria-busy");
    if (!answer) return;
    // Somebody may have taken an extension since the rehearsal.
    if (answer.errors.length) return showChecked(answer);
    imported();
    go("done");
    credentials.show(answer);
    // Closed while they were made: their passwords are told now or never.
    if (!dialog.open) dialog.showModal();
  }

  for (const button of document.querySelectorAll("[data-import]")) {
    button.addEventListener("click", () => { file = null; go("choose"); dialog.showModal(); });
  }
  for (const button of dialog.querySelectorAll("[data-close]")) button.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { file = null; credentials.wipe(); });
  input.addEventListener("change", () => take(input.files[0]));
  place("import-again").addEventListener("click", () => { go("choose"); input.focus(); });
  create.addEventListener("click", make);
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.dataset.over = ""; });
  drop.addEventListener("dragleave", () => delete drop.dataset.over);
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    delete drop.dataset.over;
    void take(event.dataTransfer.files[0]);
  });
}
