/** The list of phones: found by the API, read again when the stream says so; whether each is connected, live. */
import { startImport } from "controllers/import";
import { makePhoneForm } from "controllers/phone-form";
import { makeKeyedList } from "lib/keyed-list";
import { makeKnown } from "lib/known";
import { formatNumber } from "lib/phone-number";
import { makePhoneWords } from "lib/phone-words";

/** @param {import("lib/page").Page} page */
export function startPhones(page) {
  const { api, store, toasts, t } = page;
  const place = (id) => document.getElementById(id);
  const filters = /** @type {HTMLFormElement} */ (place("filters"));
  const words = makePhoneWords(t);
  const sites = new Map([...filters.elements.namedItem("site").options].map(({ value, text }) => [value, text]));
  /** @type {Map<string, any>} */
  let rows = new Map();
  let next = "";
  let asked = 0;
  let timer = 0;

  /** Agents' phones are seen with their agents, those of a site by themselves; a mobile never registers. */
  function stateOf(phone) {
    if (phone.kind === "mobile") return { hidden: true };
    const state = phone.user_id ? store.rows("agents").get(phone.user_id)?.phone : store.rows("stations").get(phone.id)?.state;
    return state ? { text: words.state(state), tone: words.tone(state), hidden: false } : { hidden: true };
  }

  const list = makeKeyedList({
    container: place("phones"), template: "tpl-phone", prefix: "phone",
    fields: (phone) => ({
      extension: phone.extension, kind: { icon: words.icon(phone.kind) }, kind_text: words.kind(phone.kind),
      owner: phone.user || phone.label || "–", detail: phone.user ? phone.label || formatNumber(phone.mobile) : "",
      site: sites.get(phone.site_id) ?? "", state: stateOf(phone),
    }),
  });
  const byExtension = ([, a], [, b]) => a.extension.length - b.extension.length || a.extension.localeCompare(b.extension);

  /** @param {boolean} onward */
  async function load(onward) {
    const query = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
    if (onward && next) query.set("after", next);
    const mine = ++asked;
    try {
      const answer = await api.get(`/api/phones?${query}`);
      if (mine !== asked) return;
      if (!onward) rows = new Map();
      for (const phone of answer.items) rows.set(phone.id, phone);
      next = answer.next ?? "";
      list.show([...rows].sort(byExtension));
      place("phones-table").hidden = rows.size === 0;
      place("phones-empty").hidden = rows.size > 0;
      place("more-row").hidden = !next;
    } catch (error) {
      toasts.failed(error);
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = window.setTimeout(() => load(false), 200);
  }

  const known = makeKnown(store, "phones");
  const form = makePhoneForm(page, { words, siteName: (id) => sites.get(id) ?? "", find: known.find, saved: soon });
  place("phones").addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (row) form.open(known.add(rows.get(row.dataset.key)));
  });
  place("new-phone").addEventListener("click", () => form.create());
  place("more").addEventListener("click", () => load(true));
  filters.addEventListener("input", soon);
  filters.addEventListener("submit", (event) => event.preventDefault());
  startImport(page, { path: "/api/phones/import", imported: soon });
  store.onReload("phones", soon);
  store.watch(["phones"], soon);
  known.onChange(() => form.look());
  store.watch(["agents", "stations"], () => list.refill());
}
