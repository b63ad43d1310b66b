/**
 * Rows by topic, as the stream last said. Listeners run once a batch, with the topics that changed.
 * @typedef {Map<string, any>} Rows
 */

/** Calls end all day: the last of them are kept. Whoever lists them follows them. */
const KEPT = { history: 500 };

export function makeStore() {
  /** @type {Map<string, Rows>} */
  const topics = new Map();
  /** @type {{names: Set<string>, listener: (changed: Set<string>) => void}[]} */
  const listeners = [];

  /** @type {{name: string, reload: () => void}[]} */
  const reloaders = [];

  /** @type {{name: string, listener: (changes: [string, any][]) => void}[]} */
  const followers = [];

  /** What is only announced (history, users, sites) may have been missed: whoever lists it reads it again. @param {Set<string>} stale */
  function askReload(stale) {
    for (const { name, reload } of reloaders) if (stale.has(name)) reload();
  }

  /** @param {string} topic @returns {Rows} */
  function rows(topic) {
    let found = topics.get(topic);
    if (!found) topics.set(topic, (found = new Map()));
    return found;
  }

  /** @param {Set<string>} changed */
  function announce(changed) {
    for (const { names, listener } of listeners) {
      if ([...changed].some((topic) => names.has(topic))) listener(changed);
    }
  }

  return {
    rows,
    /** @param {string} topic */
    values: (topic) => [...rows(topic).values()],
    /** @param {Record<string, Record<string, any>>} snapshot replaces each topic that it names */
    load(snapshot) {
      for (const [topic, byKey] of Object.entries(snapshot)) topics.set(topic, new Map(Object.entries(byKey)));
      announce(new Set(Object.keys(snapshot)));
      askReload(new Set(Object.keys(snapshot)));
    },
    /** @param {[string, string, any][]} changes key "*" without a row: the topic was not heard for a while */
    apply(changes) {
      askReload(new Set(changes.filter(([, key, row]) => key === "*" && row === null).map(([topic]) => topic)));
      for (const [topic, key, row] of changes) {
        const found = rows(topic);
        if (row === null) found.delete(key);
        else found.set(key, row);
        if (found.size > KEPT[topic]) found.delete(found.keys().next().value);
      }
      announce(new Set(changes.map(([topic]) => topic)));
      for (const { name, listener } of followers) {
        const mine = changes.filter(([topic, key]) => topic === name && key !== "*").map(([, key, row]) => /** @type {[string, any]} */ ([key, row]));
        if (mine.length) listener(mine);
      }
    },
    /** Called with the keys and rows of one topic that came together, a deleted one as null. @param {string} name @param {(changes: [string, any][]) => void} listener */
    follow(name, listener) {
      followers.push({ name, listener });
    },
    /** Called when a topic that is only announced must be read again. @param {string} name @param {() => void} reload */
    onReload(name, reload) {
      reloaders.push({ name, reload });
    },
    /** Listen to some topics; called at once with what is there. @param {string[]} names @param {(changed: Set<string>) => void} listener */
    watch(names, listener) {
      listeners.push({ names: new Set(names), listener });
      listener(new Set(names));
    },
  };
}
