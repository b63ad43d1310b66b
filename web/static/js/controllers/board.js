/** The board: agents as tiles, calls in progress, and how many of each. */
import { makeBoardFilter } from "controllers/board-filter";
import { makeRows } from "controllers/rows";
import { makeKeyedList } from "lib/keyed-list";
import { fill } from "lib/render";
import { groupOf } from "lib/words";

const collator = new Intl.Collator(document.documentElement.lang);

/** Those at work first; within each, by name, so that tiles keep their places. */
function byPresenceThenName([, a], [, b]) {
  return (a.state === "offline") - (b.state === "offline") || collator.compare(a.name, b.name);
}

/** @param {import("lib/page").Page} page */
export function startBoard(page) {
  const { store, tn } = page;
  const rows = makeRows(page);
  const filter = makeBoardFilter(page);
  const place = (id) => document.getElementById(id);
  const agents = makeKeyedList({ container: place("agents"), template: "tpl-agent", prefix: "agent", fields: rows.agent });
  const calls = makeKeyedList({ container: place("calls"), template: "tpl-call", prefix: "call", fields: rows.call });

  function showAgents() {
    const here = [...store.rows("agents")].filter(([, row]) => filter.inSite(row));
    const { group } = filter.chosen;
    const seen = group ? here.filter(([, row]) => groupOf(row) === group) : here;
    agents.show(seen.sort(byPresenceThenName));
    place("agents-empty").hidden = seen.length > 0;
    place("agents").hidden = seen.length === 0;
    place("agents-count").textContent = tn("%(n)s agent", "%(n)s agents", seen.length);
    showCounts(here.map(([, row]) => groupOf(row)));
  }

  /** @param {string[]} groups one per agent */
  function showCounts(groups) {
    for (const tile of document.querySelectorAll("#counts [data-group]")) {
      const { group } = tile.dataset;
      const value = group === "calls" ? calls.size() : groups.filter((name) => name === group).length;
      fill(tile, { value: String(value) });
      tile.toggleAttribute("data-zero", value === 0);
      if (tile.tagName === "BUTTON") tile.setAttribute("aria-pressed", String(filter.chosen.group === group));
    }
  }

  function showCalls() {
    const here = [...store.rows("calls")].filter(([, row]) => row.state !== "ended" && filter.inSite(row));
    calls.show(here.sort(([, a], [, b]) => a.started_at - b.started_at));
    place("calls-empty").hidden = here.length > 0;
    place("calls-table").hidden = here.length === 0;
    place("calls-count").textContent = here.length ? String(here.length) : "";
  }

  function show() {
    showCalls();
    showAgents();
  }

  for (const tile of document.querySelectorAll("#counts button")) {
    tile.addEventListener("click", () => filter.choose({ group: filter.chosen.group === tile.dataset.group ? "" : tile.dataset.group }));
  }
  filter.onChange(show);
  store.watch(["agents", "calls"], show);
}
