/** One revision in a side panel: how it went, what it changed, and the way back to it. */
import { changeFields, changeKey } from "controllers/config-changes";
import { showFiles, splitFiles } from "controllers/config-diff";
import { nameThings } from "controllers/config-names";
import { makeSteps } from "controllers/config-steps";
import { outcomeOf, stepsOf } from "lib/config-run";
import { clearErrors, onSubmit } from "lib/form";
import { makeKeyedList } from "lib/keyed-list";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page @param {import("controllers/config-steps").Words} words */
export function makeConfigRevision(page, words) {
  const { api, toasts, format, clock, t } = page;
  const place = (id) => document.getElementById(id);
  const panel = /** @type {HTMLDialogElement} */ (place("revision"));
  const dialog = /** @type {HTMLDialogElement} */ (place("rollback-dialog"));
  const form = /** @type {HTMLFormElement} */ (place("rollback-form"));
  const steps = makeSteps(page, words, place("revision-steps"), "revision-step");
  const changes = makeKeyedList({ container: place("revision-changes"), template: "tpl-change", prefix: "revision-change", fields: changeFields(words) });
  /** @type {any} */
  let shown = null;

  function facts(pairs) {
    place("revision-facts").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => [
      Object.assign(document.createElement("dt"), { textContent: name }), Object.assign(document.createElement("dd"), { textContent: value }),
    ]));
  }

  function show(row) {
    shown = row;
    fill(panel, {
      title: t("Revision %(id)s", { id: row.id }),
      result: { text: words.result(row.result), tone: words.resultTone(row.result) },
      message: { text: words.quoted(row.words, row.message), hidden: !row.message || outcomeOf(row) === "done" },
    });
    facts([
      [t("Action"), words.action(row.action)], [t("Who"), row.who], [t("By way of"), words.origin(row.origin)],
      [t("Begun"), `${format.date(row.at)} ${format.time(row.at)}`],
      [t("Duration"), row.ended_at ? format.precise(row.ended_at - row.at) : ""], [t("Fingerprint"), row.fingerprint],
    ]);
    steps.show(stepsOf(row));
    changes.show(row.objects.map((change) => [changeKey(change), change]));
    showFiles(place("revision-files"), splitFiles(row.diff ?? ""), t);
    for (const [part, is] of [["steps", row.steps?.length], ["changes", row.objects?.length], ["files", row.diff]]) place(`revision-${part}-part`).hidden = !is;
    place("revision-acts").hidden = !row.can_roll_back;
  }

  /** @param {string} id */
  async function open(id) {
    try {
      const row = await api.get(`/api/config/history/${id}`);
      show({ ...row, steps: row.steps ?? [], objects: await nameThings(api, row.objects ?? []) });
      if (!panel.open) panel.showModal();
      panel.scrollTop = 0;
    } catch (error) {
      toasts.failed(error);
    }
  }

  place("rollback").addEventListener("click", () => {
    clearErrors(form);
    fill(dialog, { what: t("Revision %(id)s, applied by %(who)s, %(when)s.", { id: shown.id, who: shown.who, when: format.moment(shown.at, clock.now()) }) });
    dialog.showModal();
  });
  onSubmit(form, async () => {
    await api.post("/api/config/rollback", { revision: shown.id });
    dialog.close();
    panel.close();
    document.getElementById("status").scrollIntoView({ block: "nearest" });
  });
  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
  for (const it of [panel, dialog]) for (const button of it.querySelectorAll("[data-close]")) button.addEventListener("click", () => it.close());
  return open;
}
