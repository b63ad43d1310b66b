/** What an application would change: things by name, files line by line. What is shown is what Apply sends. */
import { showFiles } from "controllers/config-diff";
import { nameThings } from "controllers/config-names";
import { makeKeyedList } from "lib/keyed-list";

/** After a failure that may pass, which is said once, the list is asked for again by itself. */
const AGAIN_MS = 5000;

/** @param {import("controllers/config-steps").Words} words */
export function changeFields(words) {
  return (change) => ({
    root: { tone: words.didTone(change.action) },
    mark: { icon: words.didIcon(change.action) },
    kind: words.kind(change.kind), name: change.called ?? change.name,
    fields: { text: words.fields(change.fields ?? []), hidden: !change.fields?.length },
    did: words.did(change.action),
  });
}

/** @param {any} change */
export const changeKey = (change) => `${change.kind}-${change.name}`;

/** @param {import("lib/page").Page} page @param {import("controllers/config-steps").Words} words */
export function makeConfigChanges({ api, toasts, t, tn }, words) {
  const place = (id) => document.getElementById(id);
  const list = makeKeyedList({ container: place("changes"), template: "tpl-change", prefix: "change", fields: changeFields(words) });
  /** @type {{fingerprint: string, changes: any[], files: any[]}|null} */
  let shown = null;
  let wanted = "";
  let asked = 0;
  let timer = 0;
  let failing = false;

  function show(diff) {
    const before = new Set(shown?.changes.map(changeKey));
    const first = !shown;
    shown = diff;
    list.show(diff.changes.map((change) => [changeKey(change), change]));
    if (!first) for (const change of diff.changes) place(`change-${changeKey(change)}`)?.classList.toggle("fresh", !before.has(changeKey(change)));
    showFiles(place("files"), diff.files, t);
    place("files-part").hidden = diff.files.length === 0;
    place("changes").hidden = diff.changes.length === 0;
    place("changes-empty").hidden = diff.changes.length + diff.files.length > 0;
    place("changes-count").textContent = diff.files.length ? tn("%(n)s file", "%(n)s files", diff.files.length) : "";
  }

  /** @returns {Promise<boolean>} whether the list is what the server has now */
  async function load() {
    const mine = ++asked;
    clearTimeout(timer);
    try {
      const diff = await api.get("/api/config/diff");
      const changes = await nameThings(api, diff.changes);
      if (mine !== asked) return true;
      failing = false;
      show({ ...diff, changes });
      return true;
    } catch (error) {
      if (mine !== asked) return false;
      wanted = ""; // Whatever comes next asks again.
      if (!failing) toasts.failed(error);
      failing = true;
      const passes = error.status === 0 || error.status >= 500;
      if (passes) timer = window.setTimeout(load, AGAIN_MS);
      return false;
    }
  }

  return {
    load,
    /** @param {any} state a ConfigState: another fingerprint is another list */
    follow(state) {
      const now = `${state.fingerprint} ${state.changes} ${state.applied?.revision} ${state.edited?.join()}`;
      if (now === wanted || !state.configured || state.problem) return;
      wanted = now;
      void load();
    },
    fingerprint: () => shown?.fingerprint ?? "",
  };
}
