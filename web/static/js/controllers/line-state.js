/** Whether a line, or the whole site, can carry calls now: what the telephony says of it, in words and a tone. */

/** @param {any[]} trunks @returns {any[]} the one to try first in front */
export function inOrder(trunks) {
  return [...trunks].sort((a, b) => a.priority - b.priority || a.slug.localeCompare(b.slug));
}

/** @param {import("lib/page").Page} page */
export function makeLineState({ store, format, clock, t, tn }) {
  const linkOf = (trunk) => store.rows("links").get(`trunk:${trunk.slug}`);
  const since = (row) => format.moment(row.since, clock.now());

  /** @param {any} trunk @returns {import("lib/render").Slot} */
  function line(trunk) {
    const link = linkOf(trunk);
    if (!trunk.active) return { text: t("Out of use"), tone: "neutral", title: "" };
    if (!link) return { text: t("Not seen yet"), tone: "neutral", title: t("The telephony has not reported this trunk yet. Its configuration may still have to be applied.") };
    if (link.up) return { text: t("Up"), tone: "good", title: link.detail };
    return { text: t("Down since %(time)s", { time: since(link) }), tone: "bad", title: link.detail };
  }

  /** @param {any} site @param {any[]} trunks of the site @returns {import("lib/render").Slot} */
  function site(site, trunks) {
    const cut = store.rows("links").get(`site:${site.slug}`);
    if (cut && !cut.up) return { text: t("Cut off since %(time)s", { time: since(cut) }), tone: "bad", title: cut.detail };
    const used = trunks.filter((trunk) => trunk.active);
    if (!used.length) return { text: t("No trunk"), tone: "warn", title: t("Nobody can call from this site, nor reach it, before it has a trunk.") };
    const seen = used.map(linkOf).filter(Boolean);
    const down = seen.filter((link) => !link.up).length;
    if (!seen.length) return { text: t("Not seen yet"), tone: "neutral", title: "" };
    if (!down) return { text: t("Up"), tone: "good", title: "" };
    if (down === used.length) return { text: down > 1 ? t("All trunks down") : t("Trunk down"), tone: "bad", title: "" };
    return { text: tn("%(n)s trunk down", "%(n)s trunks down", down), tone: "warn", title: "" };
  }

  return {
    line, site, linkOf,
    /** When this was last known to be true. @param {any} trunk */
    seen: (trunk) => linkOf(trunk)?.as_of ?? clock.now(),
    /** Main or backup, by its place among the site's lines. @param {number} index */
    place: (index) => (index === 0 ? t("Main") : index === 1 ? t("Backup") : t("Backup %(n)s", { n: index })),
  };
}
