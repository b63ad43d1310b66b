/** One site: its identity, and the parts of its page, which share what they know. */
import { makeAdminData } from "controllers/admin-data";
import { makeConfirm } from "controllers/confirm";
import { makeDidCounts } from "controllers/did-counts";
import { inOrder, makeLineState } from "controllers/line-state";
import { startNumberList } from "controllers/number-list";
import { startRouteList } from "controllers/route-list";
import { startRouteProbe } from "controllers/route-probe";
import { CODECS, makeSiteForm } from "controllers/site-form";
import { startTrunkList } from "controllers/trunk-list";
import { formatNumber } from "lib/phone-number";
import { fill, setText } from "lib/render";
import { timeIn } from "lib/zone-time";

/** @param {import("lib/page").Page} page */
export function startSitePage(page) {
  const { api, boot, clock, store, locale, toasts, t, tn } = page;
  const place = (id) => document.getElementById(id);
  const data = makeAdminData(page, ["site", "trunk", "schedule", "route", "phone"]);
  const state = makeLineState(page);
  const confirm = makeConfirm(page);
  const counts = makeDidCounts(page, () => { if (data.loaded()) show(); });
  const countries = new Intl.DisplayNames([locale], { type: "region" });
  let site = boot.data.site;

  const context = {
    data, state, confirm,
    site: () => site,
    trunks: () => inOrder(data.rows("trunk").filter((trunk) => trunk.site_id === site.id)),
    routes: () => data.rows("route").filter((route) => route.site_id === site.id),
  };
  const form = makeSiteForm(page, data, () => { toasts.done(t("Saved.")); void data.reload(["site"]); });

  function facts() {
    const pairs = [
      [t("Short name"), site.slug], [t("Country"), countries.of(site.country) ?? site.country],
      [t("Number shown"), formatNumber(site.caller_id ?? "") || t("The gateway decides")], [t("Area code"), site.area],
      [t("Networks"), site.subnets?.length ? site.subnets.join(", ") : t("From anywhere")],
      [t("Codecs"), (site.codecs ?? []).map((code) => CODECS.find(([known]) => known === code)?.[1] ?? code).join(", ")],
      [t("May call"), site.allowed_prefixes?.length ? site.allowed_prefixes.join(", ") : t("All numbers")],
    ];
    place("site-facts").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    }));
  }

  function head() {
    fill(place("site-head"), { name: site.name, state: data.loaded() ? state.site(site, context.trunks()) : { text: t("Loading…"), tone: "neutral" }, zone: site.zone.replaceAll("_", " ") });
    const wall = place("site-head").querySelector("[data-zone]");
    wall.dataset.zone = site.zone;
    setText(wall, timeIn(clock.now(), site.zone)?.time ?? "–");
  }

  function show() {
    if (!counts.told()) return;
    const current = data.find("site", site.id);
    place("site-grid").removeAttribute("data-loading");
    place("gone").hidden = Boolean(current);
    site = current ?? site;
    head();
    facts();
    fill(place("site-phones"), { phones: tn("%(n)s phone", "%(n)s phones", data.rows("phone").filter((phone) => phone.site_id === site.id).length) });
    form.look();
  }

  function remove() {
    const hanging = [
      [context.trunks().length, tn("%(n)s trunk", "%(n)s trunks", context.trunks().length)],
      [counts.ofSite(site.id), tn("%(n)s number", "%(n)s numbers", counts.ofSite(site.id))],
    ].filter(([count]) => count).map(([, words]) => words);
    confirm.ask({
      title: t("Delete %(name)s?", { name: site.name }),
      text: hanging.length ? t("This site still has: %(things)s.", { things: hanging.join(", ") }) : t("Nothing hangs on it. This cannot be undone."),
      act: t("Delete"), done: t("%(name)s is deleted.", { name: site.name }),
      async work() { await api.del(`/api/sites/${site.id}`, site.version); location.assign("/sites"); },
    });
  }

  place("edit-site").addEventListener("click", () => form.edit(site));
  place("delete-site").addEventListener("click", remove);
  head();
  facts();
  for (const start of [startTrunkList, startNumberList, startRouteList, startRouteProbe]) start(page, context);
  data.onChange(show);
  store.watch(["links"], head);
}

/**
 * @typedef {object} SiteContext
 * @property {import("controllers/admin-data").AdminData} data
 * @property {ReturnType<typeof makeLineState>} state
 * @property {ReturnType<typeof makeConfirm>} confirm
 * @property {() => any} site
 * @property {() => any[]} trunks of the site, in order
 * @property {() => any[]} routes
 */
