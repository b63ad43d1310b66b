/** All sites at a glance: where a line is down, what time it is there, how many numbers and phones hang on it. */
import { makeAdminData } from "controllers/admin-data";
import { makeDidCounts } from "controllers/did-counts";
import { inOrder, makeLineState } from "controllers/line-state";
import { makeSiteForm } from "controllers/site-form";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber } from "lib/phone-number";
import { setText } from "lib/render";
import { timeIn } from "lib/zone-time";

const TROUBLES = new Set(["bad", "warn"]);

/** @param {any[]} rows @returns {Map<string, any[]>} */
function bySite(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.site_id, [...(found.get(row.site_id) ?? []), row]);
  return found;
}

/** @param {import("lib/page").Page} page */
export function startSiteList(page) {
  const { api, clock, store, locale, toasts, t, tn } = page;
  const place = (id) => document.getElementById(id);
  const filters = /** @type {HTMLFormElement} */ (place("filters"));
  const state = makeLineState(page);
  const data = makeAdminData(page, ["site", "trunk", "phone"]);
  const counts = makeDidCounts(page, data.touch);
  const countries = new Intl.DisplayNames([locale], { type: "region" });
  const form = makeSiteForm(page, data, (site) => { toasts.done(t("Saved.")); location.assign(`/sites/${site.slug}`); });
  const lines = new WeakMap();
  /** What is looked for, and the number of each site that answers to it. @type {{text: string, hits: Map<string, any>}} */
  let looked = { text: "", hits: new Map() };
  let asked = 0;
  let timer = 0;

  const seenOf = (trunks) => Math.max(0, ...trunks.map(state.seen)) || clock.now();

  function showLines(element, { trunks }) {
    let list = lines.get(element);
    if (!list) {
      const fields = ({ trunk, index }) => {
        const told = state.line(trunk);
        const words = `${trunk.name || trunk.slug} – ${state.place(index)} – ${told.text}`;
        return { root: { tone: told.tone, title: words }, text: told.tone === "bad" ? `${trunk.name || trunk.slug} – ${told.text}` : trunk.name || trunk.slug };
      };
      list = makeKeyedList({ container: element.querySelector("[data-lines]"), template: "tpl-line", prefix: "line", fields });
      lines.set(element, list);
    }
    list.show(trunks.map((trunk, index) => [trunk.id, { trunk, index }]));
  }

  const list = makeKeyedList({
    container: place("sites"), template: "tpl-site", prefix: "site",
    fields: ({ site, trunks, told, hit, numbers, phones }) => ({
      name: site.name, place: hit ?? `${site.slug} · ${countries.of(site.country) ?? site.country}`, state: told, seen: { seen: seenOf(trunks) },
      numbers: String(numbers), phones: String(phones),
      counts: `${tn("%(n)s number", "%(n)s numbers", numbers)} · ${tn("%(n)s phone", "%(n)s phones", phones)}`,
    }),
    after(element, view) {
      setText(element.querySelector("[data-clock]"), timeIn(clock.now(), view.site.zone)?.time ?? "–");
      element.querySelector("[data-link]").href = `/sites/${view.site.slug}`;
      element.querySelector("[data-clock]").dataset.zone = view.site.zone;
      element.querySelector("[data-clock]").title = view.site.zone.replaceAll("_", " ");
      for (const name of ["numbers", "phones"]) element.querySelector(`[data-field=${name}]`).classList.toggle("mute", view[name] === 0);
      showLines(element, view);
    },
  });

  /** Why a site is among those looked for: "" by its own name, a number of it in words, null when it is not. */
  function match(site, trunks) {
    const wanted = looked.text.toLocaleLowerCase(locale);
    if (!wanted || [site.name, site.slug, ...trunks.flatMap(({ name, slug }) => [name, slug])].some((word) => word.toLocaleLowerCase(locale).includes(wanted))) return "";
    const hit = looked.hits.get(site.id);
    return hit ? [formatNumber(hit.number), hit.label].filter(Boolean).join(" – ") : null;
  }

  /** The first number of each site, until each has one. @param {string} text @param {() => boolean} isOver */
  async function findNumbers(text, isOver) {
    const found = new Map();
    let after = "";
    do {
      const answer = await api.get(`/api/dids?${new URLSearchParams({ text, limit: "200", ...(after && { after }) })}`);
      for (const did of answer.items) if (!found.has(did.site_id)) found.set(did.site_id, did);
      after = answer.next ?? "";
    } while (after && !isOver() && !(data.loaded() && found.size >= data.rows("site").length));
    return found;
  }

  /** Numbers may be thousands: the API looks among them. What was looked for before stays until the answer is here. */
  async function look() {
    const text = /** @type {HTMLInputElement} */ (place("text")).value.trim();
    const mine = ++asked;
    try {
      const hits = text.length > 1 ? await findNumbers(text, () => mine !== asked) : new Map();
      if (mine === asked) looked = { text, hits };
    } catch (error) {
      if (mine !== asked) return;
      looked = { text, hits: new Map() };
      toasts.failed(error);
    }
    if (mine === asked) show();
  }

  function soon() {
    clearTimeout(timer);
    timer = window.setTimeout(look, 200);
    show();
  }

  function views() {
    const [trunks, phones] = ["trunk", "phone"].map((noun) => bySite(data.rows(noun)));
    return data.rows("site").map((site) => {
      const own = inOrder(trunks.get(site.id) ?? []);
      return { site, trunks: own, told: state.site(site, own), numbers: counts.ofSite(site.id), phones: (phones.get(site.id) ?? []).length };
    });
  }

  function show() {
    if (!data.loaded() || !counts.told()) return;
    const all = views().sort((a, b) => a.site.name.localeCompare(b.site.name, locale));
    const onlyTrouble = /** @type {HTMLInputElement} */ (place("trouble")).checked;
    const troubled = all.filter(({ told }) => TROUBLES.has(told.tone)).length;
    const seen = all.map((view) => ({ ...view, hit: match(view.site, view.trunks) }))
      .filter(({ hit, told }) => hit !== null && (!onlyTrouble || TROUBLES.has(told.tone)));
    list.show(seen.map((view) => [view.site.id, { ...view, hit: view.hit || undefined }]));
    place("sites-lead").textContent = all.length ? [tn("%(n)s site", "%(n)s sites", all.length), troubled ? tn("%(n)s with a problem", "%(n)s with a problem", troubled) : t("everything is up")].join(" · ") : "";
    place("sites-waiting").hidden = true;
    place("sites-table").hidden = seen.length === 0;
    place("sites-none").hidden = all.length > 0;
    place("sites-unmatched").hidden = seen.length > 0 || all.length === 0;
    filters.parentElement.hidden = all.length === 0;
  }

  place("new-site").addEventListener("click", () => form.create());
  place("sites").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (!target.closest("a") && !getSelection()?.toString()) target.closest("tr")?.querySelector("a")?.click();
  });
  filters.addEventListener("input", soon);
  filters.addEventListener("submit", (event) => event.preventDefault());
  data.onChange(show);
  // Another number may answer now, or none.
  store.follow("sites", (changes) => { if (looked.text && changes.some(([key]) => key.startsWith("did:"))) soon(); });
  store.onReload("sites", () => { if (looked.text) soon(); });
  void look();
  store.watch(["links"], show);
}
