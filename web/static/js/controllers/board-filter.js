/** What the board shows: a site, a group of states. Kept in the URL, so that a link or a reload shows the same. */
import { inNextFrame } from "lib/frame";

/** @param {import("lib/page").Page} page */
export function makeBoardFilter({ store, t }) {
  const url = new URL(location.href);
  const chosen = { site: url.searchParams.get("site") ?? "", group: url.searchParams.get("group") ?? "" };
  const select = /** @type {HTMLSelectElement} */ (document.getElementById("site-filter"));
  const clear = document.getElementById("clear-filter");
  const listeners = new Set();

  /** @param {Partial<typeof chosen>} change */
  function choose(change) {
    Object.assign(chosen, change);
    for (const [name, value] of Object.entries(chosen)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    history.replaceState(null, "", url);
    select.value = chosen.site;
    clear.hidden = !chosen.site && !chosen.group;
    for (const listener of listeners) listener();
  }

  /** Sites are those of the agents and calls that this user may see. */
  function offerSites() {
    const names = new Map();
    for (const topic of ["agents", "calls"]) for (const row of store.rows(topic).values()) if (row.site_id) names.set(row.site_id, row.site);
    const options = [...names].sort((a, b) => a[1].localeCompare(b[1]));
    if (select.options.length === options.length + 1) return;
    select.replaceChildren(new Option(t("All sites"), ""), ...options.map(([id, name]) => new Option(name, id)));
    select.value = chosen.site;
  }

  select.addEventListener("change", () => choose({ site: select.value }));
  clear.addEventListener("click", () => choose({ site: "", group: "" }));
  clear.hidden = !chosen.site && !chosen.group;
  offerSites();
  store.watch(["agents", "calls"], inNextFrame(offerSites));

  return {
    chosen,
    choose,
    /** @param {() => void} listener */ onChange: (listener) => listeners.add(listener),
    /** @param {{site_id: string|null}} row */ inSite: (row) => !chosen.site || row.site_id === chosen.site,
  };
}
