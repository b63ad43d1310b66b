/** By which lines a site's calls leave: one row a prefix, the longest first, and at last the site's own lines. */
import { makeRouteForm } from "controllers/route-form";
import { makeKeyedList } from "lib/keyed-list";

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startRouteList(page, context) {
  const { store, t } = page;
  const { data, state, site, trunks, routes } = context;
  const place = (id) => document.getElementById(id);
  const ways = new WeakMap();
  let made = 0;

  function groups() {
    const found = new Map();
    for (const route of routes().sort((a, b) => a.priority - b.priority || a.id.localeCompare(b.id))) {
      found.set(route.prefix, [...(found.get(route.prefix) ?? []), route.trunk_id]);
    }
    return [...found].map(([prefix, ids]) => ({ prefix, trunks: ids })).sort((a, b) => b.prefix.length - a.prefix.length || a.prefix.localeCompare(b.prefix));
  }

  function nameOf(trunk) {
    const home = trunk.site_id === site().id ? "" : `${data.find("site", trunk.site_id)?.name ?? ""} – `;
    return `${home}${trunk.name || trunk.slug}`;
  }

  /** @param {HTMLElement} container @param {any[]} found trunks in order */
  function showWays(container, found) {
    let list = ways.get(container);
    if (!list) {
      list = makeKeyedList({
        container, template: "tpl-line", prefix: `way${++made}`,
        fields: ({ trunk }) => ({ root: { tone: state.line(trunk).tone, title: state.line(trunk).text }, text: nameOf(trunk) }),
      });
      ways.set(container, list);
    }
    list.show(found.map((trunk) => [trunk.id, { trunk }]));
  }

  const form = makeRouteForm(page, context, groups);
  const list = makeKeyedList({
    container: place("routes"), template: "tpl-route", prefix: "route",
    fields: ({ prefix }) => ({ prefix: prefix || t("All numbers") }),
    after: (element, group) => showWays(element.querySelector("[data-ways]"), group.trunks.map((id) => data.find("trunk", id)).filter(Boolean)),
  });

  function show() {
    if (!data.loaded()) return;
    list.show(groups().map((group) => [group.prefix || "all", { ...group }]));
    showWays(place("routes-rest"), trunks());
    form.look();
  }

  place("routes").addEventListener("click", (event) => {
    const key = /** @type {Element} */ (event.target).closest("[data-key]")?.dataset.key;
    const group = groups().find(({ prefix }) => (prefix || "all") === key);
    if (group) form.edit(group);
  });
  place("new-routes").addEventListener("click", () => form.create());
  data.onChange(show);
  store.watch(["links"], show);
}
