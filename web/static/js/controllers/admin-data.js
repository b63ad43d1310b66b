/**
 * What administrators look after, read from the API and read again when the stream says that it changed.
 * The lists are the truth: a change only tells which of them to ask for.
 */
const SOURCES = {
  site: "/api/sites", trunk: "/api/trunks", schedule: "/api/schedules", route: "/api/routes", phone: "/api/phones?limit=200",
};
/** Changes come in flocks (a range of numbers): ask once for all of them. */
const TOGETHER_MS = 60;
/** After a failure, which is said once, they are asked for again by themselves. */
const AGAIN_MS = 5000;

/** @param {import("lib/page").Page} page @param {string[]} nouns */
export function makeAdminData({ api, store, toasts }, nouns) {
  /** @type {Record<string, Map<string, any>>} */
  const tables = Object.fromEntries(nouns.map((noun) => [noun, new Map()]));
  /** What the API last answered beside the rows. @type {Record<string, any>} */
  const answers = {};
  const listeners = new Set();
  const wanted = new Set();
  /** Those who wait for what they asked for to be shown. @type {(() => void)[]} */
  let waiting = [];
  let loaded = false;
  let busy = false;
  let failing = false;
  let timer = 0;

  async function readAll(noun) {
    const source = SOURCES[noun];
    const rows = new Map();
    let after = "";
    let page;
    do {
      page = await api.get(after ? `${source}${source.includes("?") ? "&" : "?"}after=${encodeURIComponent(after)}` : source);
      for (const row of page.items) rows.set(row.id, row);
      after = page.next ?? "";
    } while (after);
    return { rows, page };
  }

  async function read() {
    if (busy) return;
    busy = true;
    const asked = [...wanted];
    wanted.clear();
    const served = waiting;
    waiting = [];
    try {
      const found = await Promise.all(asked.map(readAll));
      asked.forEach((noun, index) => { tables[noun] = found[index].rows; answers[noun] = found[index].page; });
      loaded = true;
      failing = false;
      for (const listener of listeners) listener();
    } catch (error) {
      if (!failing) toasts.failed(error);
      failing = true;
      for (const noun of asked) wanted.add(noun);
    } finally {
      busy = false;
      for (const done of served) done();
    }
    if (failing) timer = window.setTimeout(read, AGAIN_MS);
    else if (wanted.size) await read();
  }

  /**
   * Whoever else asks meanwhile (the stream tells of our own change too) only puts it off: each asker is answered
   * once what was wanted since is shown, or could not be read.
   * @param {string[]} some nouns to read again
   * @returns {Promise<void>}
   */
  function reload(some = nouns) {
    for (const noun of some) if (nouns.includes(noun)) wanted.add(noun);
    clearTimeout(timer);
    timer = window.setTimeout(read, TOGETHER_MS);
    return new Promise((done) => { waiting.push(done); });
  }

  /** A site takes others with it; a key of another kind may be anything. Numbers are too many: their lists ask for them. @param {[string, any][]} changes */
  function touched(changes) {
    const kinds = changes.map(([key]) => key.split(":")[0]).filter((kind) => kind !== "did");
    return kinds.every((kind) => kind !== "site" && nouns.includes(kind)) ? kinds : nouns;
  }

  store.follow("sites", (changes) => { const some = touched(changes); if (some.length) void reload(some); });
  store.follow("phones", () => void reload(["phone"]));
  store.onReload("sites", () => void reload());
  store.onReload("phones", () => void reload(["phone"]));
  void reload();

  return {
    reload,
    /** Something else that the lists show has come. */
    touch() { for (const listener of listeners) listener(); },
    /** Whether the first answer is here: before it, nothing can be said to be empty. */
    loaded: () => loaded,
    /** What the API told beside the rows, when it last did. @param {string} noun */ answer: (noun) => answers[noun] ?? {},
    /** @param {string} noun */ rows: (noun) => [...tables[noun].values()],
    /** @param {string} noun @param {string|null|undefined} id */ find: (noun, id) => (id ? tables[noun]?.get(id) : undefined),
    /** @param {() => void} listener */ onChange: (listener) => listeners.add(listener),
  };
}

/** @typedef {ReturnType<typeof makeAdminData>} AdminData */
