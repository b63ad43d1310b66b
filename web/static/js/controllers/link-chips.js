/** Health of the links, small, where it explains what else the page shows. */
import { makeKeyedList } from "lib/keyed-list";

/** Parts first in the order of the way of a call, then the lines. */
const ORDER = ["owner", "ami", "ari", "bus", "journal", "postgresql"];
const rank = (id) => (ORDER.includes(id) ? ORDER.indexOf(id) : ORDER.length);

/** @param {[string, any]} a @param {[string, any]} b */
export function byPart([, a], [, b]) {
  return rank(a.id) - rank(b.id) || a.id.localeCompare(b.id);
}

const LINES_SHOWN = 4;

/**
 * Lines that are up, one by one while they are few, else as a number; what is down always has its own chip.
 * A site is only told of when it is cut off: its lines say the rest.
 * @param {[string, any][]} all
 */
function summarised(all) {
  const entries = all.filter(([, row]) => !row.up || !row.id.startsWith("site:"));
  const lines = entries.filter(([, row]) => row.up && row.id.startsWith("trunk:"));
  if (lines.length <= LINES_SHOWN) return entries;
  const count = { id: "lines", up: true, lines: lines.length, detail: "" };
  return [...entries.filter((entry) => !lines.includes(entry)), ["lines", count]];
}

/** @param {import("lib/page").Page} page */
export function startLinkChips({ store, words, format, t, tn }) {
  function textOf(row) {
    if (row.lines) return tn("%(n)s trunk up", "%(n)s trunks up", row.lines);
    const name = words.linkShort(row.id);
    return row.up ? name : t("%(name)s: down since %(time)s", { name, time: format.time(row.since) });
  }

  const list = makeKeyedList({
    container: document.getElementById("links"), template: "tpl-link", prefix: "link",
    fields: (row) => ({
      root: { tone: row.up ? "good" : "bad", title: row.lines ? "" : [words.link(row.id), row.detail].filter(Boolean).join(" – ") },
      text: textOf(row),
    }),
  });
  store.watch(["links"], () => list.show(summarised([...store.rows("links")].sort(byPart))));
}
