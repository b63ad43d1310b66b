/**
 * The numbers of a site, of which there may be thousands: found by the API, a page at a time, and read again, as many as
 * were shown, when the stream says that one of them changed.
 */
const PAGE = 50;
const MOST = 200;
/** Changes come in flocks (a range of numbers), and so do letters: ask once for all of them. */
const TOGETHER_MS = 150;
/** After a failure, which is said once, they are asked for again by themselves. */
const AGAIN_MS = 5000;

/**
 * @param {import("lib/page").Page} page
 * @param {{site: () => any, text: () => string, show: () => void}} list
 */
export function makeNumberPages({ api, store, toasts }, { site, text, show }) {
  /** Every number that was read, as last heard of: a form or a choice outlives the filter. @type {Map<string, any>} */
  const known = new Map();
  /** Those that were told of as another site's. @type {Set<string>} */
  const elsewhere = new Set();
  /** @type {any[]} */
  let rows = [];
  /** As many as were asked to be shown. */
  let wanted = PAGE;
  let next = "";
  let total = 0;
  let whole = 0;
  let loaded = false;
  let failing = false;
  let asked = 0;
  let timer = 0;
  /** Those who wait for what they asked for to be shown. @type {(() => void)[]} */
  let waiting = [];

  function ask(after, limit) {
    const query = new URLSearchParams({ site: site().id, limit: String(Math.min(MOST, limit)), ...(text() && { text: text() }), ...(after && { after }) });
    return api.get(`/api/dids?${query}`);
  }

  /** @param {any[]} before @param {string} from @param {number} want how many there shall be in the end */
  async function read(before, from, want) {
    const mine = ++asked;
    const looked = text();
    const found = [...before];
    let after = from;
    try {
      do {
        const answer = await ask(after, want - found.length);
        if (mine !== asked) return;
        found.push(...answer.items);
        after = answer.next ?? "";
        total = answer.items.length || after ? answer.total ?? found.length : found.length;
      } while (after && found.length < want);
    } catch (error) {
      if (mine !== asked) return;
      if (!failing) toasts.failed(error);
      failing = true;
      timer = window.setTimeout(reread, AGAIN_MS);
      return served();
    }
    [rows, next, loaded, failing] = [found, after, true, false];
    if (!looked) whole = total;
    for (const row of rows) known.set(row.id, row);
    if (!looked && !after) forget(new Set(rows.map(({ id }) => id)));
    show();
    served();
  }

  /** All were read: what else was known is gone, though the stream could not say so. @param {Set<string>} left */
  function forget(left) {
    for (const id of known.keys()) if (!left.has(id)) known.delete(id);
  }

  function served() {
    const done = waiting;
    waiting = [];
    for (const each of done) each();
  }

  const reread = () => read([], "", wanted);

  /** @returns {Promise<void>} */
  function reload() {
    clearTimeout(timer);
    timer = window.setTimeout(reread, TOGETHER_MS);
    return new Promise((done) => { waiting.push(done); });
  }

  store.follow("sites", (changes) => {
    const own = changes.filter(([key]) => key.startsWith("did:"));
    for (const [key, row] of own) {
      const id = key.slice(4);
      // Whoever moves one is told twice: gone from here, and there now.
      if (row && row.site_id !== site().id) elsewhere.add(id);
      else elsewhere.delete(id);
      if (!row || row.site_id !== site().id) known.delete(id);
      else if (known.has(id)) known.set(id, row);
    }
    if (!own.length) return;
    rows = rows.filter(({ id }) => known.has(id)).map(({ id }) => known.get(id));
    show();
    void reload();
  });
  store.onReload("sites", () => void reload());
  void reload();

  return {
    reload,
    /** Others are looked for: from the first page on. */
    search() { wanted = PAGE; void reload(); },
    more: () => read(rows, next, (wanted = rows.length + PAGE)),
    loaded: () => loaded,
    rows: () => rows,
    /** @param {string} id @returns {any} */ find: (id) => known.get(id),
    /** @param {string} id */ isElsewhere: (id) => elsewhere.has(id),
    /** Whether there are more than are shown. */ onward: () => Boolean(next),
    /** How many there are that match. */ matching: () => total,
    /** How many the site has, whatever is looked for. */ whole: () => Math.max(whole, total),
  };
}
