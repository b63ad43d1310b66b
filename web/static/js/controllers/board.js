/** The board: agents as tiles, calls in progress, and how many of each. Only what changed is touched. */
import { makeBoardFilter } from "controllers/board-filter";
import { makeRows } from "controllers/rows";
import { inNextFrame } from "lib/frame";
import { makeKeyedList } from "lib/keyed-list";
import { makeLiveList } from "lib/live-list";
import { fill, setAttribute, setText } from "lib/render";
import { groupOf } from "lib/words";

const collator = new Intl.Collator(document.documentElement.lang);

/** A busy board is drawn ten times a second at most: nobody reads faster, and each drawing costs the same. */
const REST_MS = 100;

/** Those at work first; within each, by name, so that tiles keep their places. */
function byPresenceThenName(a, b) {
  return (a.state === "offline") - (b.state === "offline") || (a.name === b.name ? 0 : collator.compare(a.name, b.name));
}

/** @param {import("lib/page").Page} page */
export function startBoard(page) {
  const { store, tn } = page;
  const rows = makeRows(page);
  const filter = makeBoardFilter(page);
  const place = (id) => document.getElementById(id);
  const soon = inNextFrame(() => show(), REST_MS);
  const agents = makeLiveList({
    store, topic: "agents", onChange: soon, compare: byPresenceThenName,
    list: makeKeyedList({ container: place("agents"), template: "tpl-agent", prefix: "agent", fields: rows.agent }),
    wanted: (row) => filter.inSite(row) && (!filter.chosen.group || groupOf(row) === filter.chosen.group),
  });
  const calls = makeLiveList({
    store, topic: "calls", onChange: soon, compare: (a, b) => a.started_at - b.started_at,
    list: makeKeyedList({ container: place("calls"), template: "tpl-call", prefix: "call", fields: rows.call }),
    wanted: (row) => row.state !== "ended" && filter.inSite(row),
  });

  function showCounts() {
    const counts = { calls: calls.size() };
    for (const row of store.rows("agents").values()) {
      if (filter.inSite(row)) counts[groupOf(row)] = (counts[groupOf(row)] ?? 0) + 1;
    }
    for (const tile of document.querySelectorAll("#counts [data-group]")) {
      const value = counts[tile.dataset.group] ?? 0;
      fill(tile, { value: String(value) });
      tile.toggleAttribute("data-zero", value === 0);
      if (tile.tagName === "BUTTON") setAttribute(tile, "aria-pressed", String(filter.chosen.group === tile.dataset.group));
    }
  }

  /** @param {boolean} [anew] the filter has changed */
  function show(anew) {
    calls.show(anew);
    agents.show(anew);
    place("agents-empty").hidden = agents.size() > 0;
    place("agents").hidden = agents.size() === 0;
    setText(place("agents-count"), tn("%(n)s agent", "%(n)s agents", agents.size()));
    place("calls-empty").hidden = calls.size() > 0;
    place("calls-table").hidden = calls.size() === 0;
    setText(place("calls-count"), calls.size() ? String(calls.size()) : "");
    showCounts();
  }

  for (const tile of document.querySelectorAll("#counts button")) {
    tile.addEventListener("click", () => filter.choose({ group: filter.chosen.group === tile.dataset.group ? "" : tile.dataset.group }));
  }
  filter.onChange(() => show(true));
  show();
}
