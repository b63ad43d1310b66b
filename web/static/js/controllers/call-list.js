/** The list of calls: pages of the history from the API, new ends from the stream on top, one journey at a time. */
import { makeCallFilters } from "controllers/call-filters";
import { makeRows } from "controllers/rows";
import { inNextFrame } from "lib/frame";
import { makeKeyedList } from "lib/keyed-list";

/** The end of a call reaches the database a moment after it leaves the board. */
const LOST_MS = 3000;
const PAGE = 50;
/** What the API gives at most at once. */
const MOST = 200;
/** Calls begin and end in flocks: the list is drawn for all of them. */
const TOGETHER_MS = 250;
/** After more changes than these that nobody saw, the list is read anew instead. */
const FOLLOWED = 400;

/** Whole pages in which so many rows have room. @param {number} count */
const room = (count) => Math.ceil(count / PAGE) * PAGE;

/** @param {import("lib/page").Page} page @param {(id: string) => void} open */
export function startCallList(page, open) {
  const { store, socket, api, toasts, tn } = page;
  const filters = makeCallFilters(page);
  const body = document.getElementById("calls");
  const more = document.getElementById("more");
  const list = makeKeyedList({ container: body, template: "tpl-history", prefix: "history", fields: makeRows(page).history });
  /** @type {Map<string, any>} */
  let rows = new Map();
  /** As many as were asked to be shown, at least; what has no room on their pages is not kept. */
  let least = 1;
  /** @type {string|null} */
  let next = null;
  /** Whether rows were dropped since the list was read: what follows is found from the beginning only. */
  let cut = false;
  /** What began before this is on a page that is not shown. */
  let floor = -Infinity;
  /** Calls that the stream told of since the list was drawn. @type {Set<string>} */
  const touched = new Set();
  let overrun = false;
  let asked = 0;
  let begun = 0;
  let lostTimer = 0;
  let lateTimer = 0;
  /** The newest reading of the list from its beginning. */
  let anew = Promise.resolve();

  function show() {
    const entries = [...rows].sort(([a, x], [b, y]) => y.started_at - x.started_at || (a < b ? 1 : -1));
    if (entries.splice(room(least)).length) {
      rows = new Map(entries);
      [cut, floor] = [true, entries[entries.length - 1][1].started_at];
    }
    const onward = cut || Boolean(next);
    list.show(entries);
    document.getElementById("calls-table").hidden = entries.length === 0;
    document.getElementById("calls-empty").hidden = entries.length > 0;
    document.getElementById("more-row").hidden = !onward;
    document.getElementById("calls-lead").textContent = `${tn("%(n)s call", "%(n)s calls", entries.length)}${onward ? "+" : ""}`;
    askAgainForLost();
  }

  /** @param {string|null} after @param {number} want */
  function ask(after, want) {
    const query = filters.query();
    query.set("limit", String(Math.min(MOST, room(want))));
    if (after) query.set("after", after);
    return api.get(`/api/calls?${query}`);
  }

  /** @param {boolean} onward the following page, or the list anew, as long as it was */
  async function load(onward) {
    const mine = ++asked;
    const want = onward ? 1 : least;
    /** @type {Map<string, any>} */
    const found = new Map();
    let after = onward ? next : null;
    try {
      do {
        const answer = await ask(after, want - found.size);
        if (mine !== asked) return; // An answer to filters that have changed since.
        for (const row of answer.items) found.set(row.id, row);
        after = answer.next ?? null;
      } while (after && found.size < want);
    } catch (error) {
      toasts.failed(error);
      return;
    }
    rows = onward ? new Map([...rows, ...found]) : found;
    [next, cut] = [after, false];
    floor = next ? Math.min(...[...rows.values()].map((row) => row.started_at)) : -Infinity;
    takeAll();
    if (!onward) lateTimer = window.setTimeout(catchUp, LOST_MS);
  }

  function again() {
    begun += 1;
    clearTimeout(lateTimer);
    anew = load(false);
  }

  /** A call that ended just before this page listened may have been written just after it read. */
  async function catchUp() {
    const mine = begun;
    let answer;
    try {
      answer = await ask(null, 1);
    } catch {
      return; // Nobody asked for it, and what the page shows was read.
    }
    if (mine !== begun) return;
    for (const row of answer.items) {
      const known = rows.get(row.id);
      if (known ? row.ended_at || !known.ended_at : row.started_at >= floor) rows.set(row.id, row);
    }
    takeAll();
  }

  /** The following page, of the list as it is being read at this moment. */
  async function goOn() {
    for (let known = null; known !== anew;) await (known = anew);
    if (!next && !cut) return;
    least = rows.size + 1;
    if (cut) again();
    else await load(true);
  }

  /** Rows of the stream are newer than the answer of the API, and an end wins over a call in progress. */
  function take(keys) {
    const matches = filters.matcher();
    for (const key of keys) {
      const row = store.rows("history").get(key) ?? store.rows("calls").get(key);
      if (!row) continue;
      if (!matches(row)) rows.delete(key);
      else if (row.started_at >= floor || rows.has(key)) rows.set(key, row);
    }
    show();
  }

  function takeAll() {
    touched.clear();
    take([...store.rows("calls").keys(), ...store.rows("history").keys()]);
  }

  const takeTouched = inNextFrame(() => {
    const keys = [...touched];
    touched.clear();
    take(keys);
    if (overrun) again();
    overrun = false;
  }, TOGETHER_MS);

  /** @param {[string, any][]} changes */
  function follow(changes) {
    for (const [key] of changes) touched.add(key);
    if (touched.size > FOLLOWED) {
      touched.clear();
      overrun = true;
    }
    takeTouched();
  }

  /**
   * In progress here and nowhere else: its end was missed, so the history is asked. A page that is blind does not know
   * what is in progress.
   */
  function askAgainForLost() {
    const sees = socket.status.state === "live" && socket.status.blindSince === null;
    const lost = sees && [...rows].some(([key, row]) => !row.ended_at && !store.rows("calls").has(key));
    if (!lost) clearTimeout(lostTimer);
    if (!lost) lostTimer = 0;
    else lostTimer ||= window.setTimeout(() => { lostTimer = 0; again(); }, LOST_MS);
  }

  body.addEventListener("click", (event) => {
    const row = event.target instanceof Element ? event.target.closest("[data-key]") : null;
    if (row) open(row.dataset.key);
  });
  more.addEventListener("click", goOn);
  filters.onChange(() => { least = 1; again(); });
  store.follow("calls", follow);
  store.follow("history", follow);
  store.onReload("history", () => { takeAll(); again(); });
  socket.onStatus(askAgainForLost);
  takeAll();
  again();
}
