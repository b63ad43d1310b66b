/** The list of calls: pages of the history from the API, new ends from the stream on top, one journey at a time. */
import { makeCallFilters } from "controllers/call-filters";
import { makeRows } from "controllers/rows";
import { makeKeyedList } from "lib/keyed-list";

/** The end of a call reaches the database a moment after it leaves the board. */
const LOST_MS = 3000;

/** @param {import("lib/page").Page} page @param {(id: string) => void} open */
export function startCallList(page, open) {
  const { store, api, toasts, tn } = page;
  const filters = makeCallFilters(page);
  const body = document.getElementById("calls");
  const more = document.getElementById("more");
  const list = makeKeyedList({ container: body, template: "tpl-history", prefix: "history", fields: makeRows(page).history });
  /** @type {Map<string, any>} */
  let rows = new Map();
  /** @type {string|null} */
  let next = null;
  let asked = 0;
  let timer = 0;
  /** The newest reading of the list from its beginning. */
  let anew = Promise.resolve();

  function show() {
    const entries = [...rows].sort(([a, x], [b, y]) => y.started_at - x.started_at || (a < b ? 1 : -1));
    list.show(entries);
    document.getElementById("calls-table").hidden = entries.length === 0;
    document.getElementById("calls-empty").hidden = entries.length > 0;
    document.getElementById("more-row").hidden = !next;
    document.getElementById("calls-lead").textContent = `${tn("%(n)s call", "%(n)s calls", entries.length)}${next ? "+" : ""}`;
  }

  /** @param {boolean} onward the following page, or the list anew */
  async function load(onward) {
    const query = filters.query();
    if (onward && next) query.set("after", next);
    const mine = ++asked;
    try {
      const page = await api.get(`/api/calls?${query}`);
      if (mine !== asked) return; // An answer to filters that have changed since.
      if (!onward) rows = new Map();
      for (const row of page.items) rows.set(row.id, row);
      next = page.next ?? null;
      takeLive();
    } catch (error) {
      toasts.failed(error);
    }
  }

  function again() {
    anew = load(false);
  }

  /** The following page, of the list as it is being read at this moment. */
  async function goOn() {
    for (let known = null; known !== anew;) await (known = anew);
    if (next) await load(true);
  }

  /** Rows of the stream are newer than the answer of the API: they win, and an end wins over a call in progress. */
  function takeLive() {
    for (const [key, row] of [...store.rows("calls"), ...store.rows("history")]) {
      if (filters.matches(row)) rows.set(key, row);
      else rows.delete(key);
    }
    show();
    askAgainForLost();
  }

  /** In progress here and nowhere else: its end was missed, so the history is asked. */
  function askAgainForLost() {
    const lost = [...rows].some(([key, row]) => !row.ended_at && !store.rows("calls").has(key));
    clearTimeout(timer);
    if (lost) timer = window.setTimeout(again, LOST_MS);
  }

  body.addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (row) open(row.dataset.key);
  });
  more.addEventListener("click", goOn);
  filters.onChange(again);
  store.watch(["calls", "history"], takeLive);
  store.onReload("history", again);
  again();
}
