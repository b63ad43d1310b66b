/** What was applied: newest first, further pages on demand, read again whenever a run ends. */
import { makeKeyedList } from "lib/keyed-list";

/** @param {import("lib/page").Page} page @param {import("controllers/config-steps").Words} words @param {(id: string) => void} open */
export function makeConfigHistory({ api, toasts, format, clock }, words, open) {
  const place = (id) => document.getElementById(id);
  /** @type {Map<string, any>} */
  let rows = new Map();
  /** @type {string|null} */
  let next = null;
  let asked = 0;
  let wanted = "";
  const list = makeKeyedList({
    container: place("revisions"), template: "tpl-revision", prefix: "revision",
    fields: (row) => ({
      at: { text: format.moment(row.at, clock.now()), title: `${format.date(row.at)} ${format.time(row.at)}` },
      who: { text: row.who, title: row.who }, origin: words.origin(row.origin), action: words.action(row.action),
      result: { text: words.result(row.result), tone: words.resultTone(row.result) }, changes: String(row.changes),
    }),
  });

  /** @param {boolean} onward */
  async function load(onward) {
    const mine = ++asked;
    const query = onward && next ? `?after=${encodeURIComponent(next)}` : "";
    try {
      const answer = await api.get(`/api/config/history${query}`);
      if (mine !== asked) return;
      if (!onward) rows = new Map();
      for (const row of answer.items) rows.set(String(row.id), row);
      next = answer.next || null;
      list.show([...rows]);
      place("revisions-table").hidden = rows.size === 0;
      place("revisions-empty").hidden = rows.size > 0;
      place("more-row").hidden = !next;
    } catch (error) {
      toasts.failed(error);
    }
  }

  place("more").addEventListener("click", () => load(true));
  place("revisions").addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (row) open(row.dataset.key);
  });

  return {
    /** @param {any} state a ConfigState */
    follow({ run, applied }) {
      const now = `${run?.id} ${run?.ended_at} ${applied?.revision}`;
      if (now === wanted) return;
      wanted = now;
      void load(false);
    },
  };
}
