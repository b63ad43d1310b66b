/** Records that a form was opened with, as the stream last told of them: a list may have been filtered meanwhile. */

/** @param {ReturnType<typeof import("lib/store").makeStore>} store @param {string} topic @param {string} [prefix] of its keys */
export function makeKnown(store, topic, prefix = "") {
  /** @type {Map<string, any>} */
  const rows = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();

  store.follow(topic, (changes) => {
    for (const [key, row] of changes) {
      const id = key.slice(prefix.length);
      if (!key.startsWith(prefix) || !rows.has(id)) continue;
      if (row) rows.set(id, row);
      else rows.delete(id);
    }
    for (const listener of listeners) listener();
  });

  return {
    /** @param {any} row @returns {any} the same */
    add(row) { if (row) rows.set(row.id, row); return row; },
    /** @param {any} row @returns {any} the row of this id, nothing when it is deleted */
    find: (row) => rows.get(row.id),
    /** @param {() => void} listener */
    onChange: (listener) => listeners.add(listener),
  };
}
