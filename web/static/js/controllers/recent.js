/** The agent's last calls: from the API when the page opens, then from the stream. */
import { makeRows } from "controllers/rows";
import { makeKeyedList } from "lib/keyed-list";

const SHOWN = 12;
/** The end of a call reaches the database a moment after it was told: what was read is read once more after this. */
const LATE_MS = 3000;

/** @param {import("lib/page").Page} page */
export function startRecent(page) {
  const { api, store, me, toasts } = page;
  const list = makeKeyedList({ container: document.getElementById("recent"), template: "tpl-recent", prefix: "recent", fields: makeRows(page).history });
  /** @type {Map<string, any>} */
  let rows = new Map();
  let asked = 0;
  let timer = 0;

  function show() {
    rows = new Map([...rows].sort(([, a], [, b]) => b.started_at - a.started_at).slice(0, SHOWN));
    list.show([...rows]);
    document.getElementById("recent-table").hidden = rows.size === 0;
    document.getElementById("recent-empty").hidden = rows.size > 0;
  }

  /** @param {Iterable<[string, any]>} told by the stream, of whatever agent */
  function take(told) {
    for (const [key, row] of told) if (row?.ended_at && row.agent_id === me.id) rows.set(key, row);
    show();
  }

  /** @returns {Promise<[string, any][]>} */
  async function read() {
    const { items } = await api.get(`/api/calls?agent=${me.id}&limit=${SHOWN}`);
    return items.filter((row) => row.ended_at).map((row) => [row.id, row]);
  }

  async function load() {
    const mine = ++asked;
    clearTimeout(timer);
    try {
      const ended = await read();
      if (mine !== asked) return;
      rows = new Map(ended);
      take(store.rows("history"));
      timer = window.setTimeout(catchUp, LATE_MS);
    } catch (error) {
      toasts.failed(error);
    }
  }

  /** A call that ended just before this page listened may have been written just after it read. */
  async function catchUp() {
    const mine = asked;
    try {
      const ended = await read();
      if (mine !== asked) return;
      rows = new Map([...rows, ...ended]);
      take(store.rows("history"));
    } catch {
      // Nobody asked for it, and what the page shows was read.
    }
  }

  store.follow("history", take);
  store.onReload("history", load);
  show();
  void load();
}
