/** Health of every part, for administrators. */
import { byPart } from "controllers/link-chips";
import { makeKeyedList } from "lib/keyed-list";

/** @param {import("lib/page").Page} page */
export function startSystem({ store, words, format, socket, clock, locale, t }) {
  const place = (id) => document.getElementById(id);
  const lag = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const list = makeKeyedList({
    container: place("links"), template: "tpl-link-row", prefix: "link",
    fields: (row) => ({
      name: words.link(row.id),
      state: row.up ? { text: t("Up"), tone: "good" } : { text: t("Down"), tone: "bad" },
      since: { since: row.since, title: format.time(row.since) },
      seen: { seen: row.as_of },
      lag: row.lag >= 0.1 ? `${lag.format(row.lag)}\u00a0s` : "–",
      drift: row.drift ? String(row.drift) : "–",
      detail: row.detail,
    }),
  });

  store.watch(["links"], () => {
    const rows = [...store.rows("links")].sort(byPart);
    list.show(rows);
    place("links-table").hidden = rows.length === 0;
    place("links-empty").hidden = rows.length > 0;
  });

  function facts() {
    const { state, lastSeen, gaps, connects } = socket.status;
    const states = { live: t("Live"), connecting: t("Connecting…"), reconnecting: t("Reconnecting…"), closed: t("Closed") };
    const pairs = [
      [t("State"), states[state]],
      [t("Last message"), lastSeen ? format.time(lastSeen) : "–"],
      [t("Connections"), String(connects)],
      [t("Gaps healed"), String(gaps)],
      [t("This machine’s clock"), t("%(seconds)s s from the server’s", { seconds: lag.format(Date.now() / 1000 - clock.now()) })],
    ];
    place("stream-facts").replaceChildren(...pairs.flatMap(([name, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    }));
  }
  clock.onTick(facts);
}
