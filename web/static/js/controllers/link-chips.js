/** Health of the links, small, where it explains what else the page shows. */
import { makeKeyedList } from "lib/keyed-list";

/** Parts first in the order of the way of a call, then the lines. */
const ORDER = ["owner", "ami", "ari", "bus", "journal", "postgresql"];
const rank = (id) => (ORDER.includes(id) ? ORDER.indexOf(id) : ORDER.length);

/** @param {[string, any]} a @param {[string, any]} b */
export function byPart([, a], [, b]) {
  return rank(a.id) - rank(b.id) || a.id.localeCompare(b.id);
}

/** @param {import("lib/page").Page} page */
export function startLinkChips({ store, words, format, t }) {
  const list = makeKeyedList({
    container: document.getElementById("links"), template: "tpl-link", prefix: "link",
    fields: (row) => {
      const since = format.time(row.since);
      return {
        root: { tone: row.up ? "good" : "bad", title: [words.link(row.id), row.detail].filter(Boolean).join(" – ") },
        text: row.up ? words.linkShort(row.id) : t("%(name)s: down since %(time)s", { name: words.link(row.id), time: since }),
      };
    },
  });
  store.watch(["links"], () => list.show([...store.rows("links")].sort(byPart)));
}
