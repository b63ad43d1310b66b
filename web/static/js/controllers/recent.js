/** The agent's last calls: from the API when the page opens, then from the stream. */
import { makeRows } from "controllers/rows";
import { makeKeyedList } from "lib/keyed-list";

const SHOWN = 12;

/** @param {import("lib/page").Page} page */
export function startRecent(page) {
  const { api, store, me, toasts } = page;
  const list = makeKeyedList({ container: document.getElementById("recent"), template: "tpl-recent", prefix: "recent", fields: makeRows(page).history });
  /** @type {Map<string, any>} */
  let earlier = new Map();

  function show() {
    const mine = [...store.rows("history")].filter(([, row]) => row.agent_id === me.id && row.ended_at);
    const all = [...new Map([...earlier, ...mine])].sort(([, a], [, b]) => b.started_at - a.started_at);
    list.show(all.slice(0, SHOWN));
    document.getElementById("recent-table").hidden = all.length === 0;
    document.getElementById("recent-empty").hidden = all.length > 0;
  }

  async function load() {
    try {
      const { items } = await api.get(`/api/calls?agent=${me.id}&limit=${SHOWN}`);
      earlier = new Map(items.filter((row) => row.ended_at).map((row) => [row.id, row]));
      show();
    } catch (error) {
      toasts.failed(error);
    }
  }

  store.watch(["history"], show);
  store.onReload("history", load);
  void load();
}
