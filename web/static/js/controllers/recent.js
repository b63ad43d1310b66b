/** The agent's last calls. A click puts the number in the box again. */
import { makeRows } from "controllers/rows";
import { makeKeyedList } from "lib/keyed-list";

const SHOWN = 12;

/** @param {import("lib/page").Page} page */
export function startRecent(page) {
  const { store, me } = page;
  const list = makeKeyedList({ container: document.getElementById("recent"), template: "tpl-recent", prefix: "recent", fields: makeRows(page).history });
  store.watch(["history"], () => {
    const mine = [...store.rows("history")].filter(([, row]) => row.agent_id === me.id);
    mine.sort(([, a], [, b]) => b.started_at - a.started_at);
    list.show(mine.slice(0, SHOWN));
    document.getElementById("recent-table").hidden = mine.length === 0;
    document.getElementById("recent-empty").hidden = mine.length > 0;
  });
}
