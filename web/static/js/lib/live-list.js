/**
 * A topic's rows in their order on the page. What changes is put where it belongs, and nothing else is looked at: a page
 * of a thousand rows costs what changes on it.
 */

/**
 * @template Row
 * @param {object} options
 * @param {ReturnType<import("lib/store").makeStore>} options.store
 * @param {string} options.topic
 * @param {ReturnType<typeof import("lib/keyed-list").makeKeyedList>} options.list
 * @param {(row: Row) => boolean} options.wanted
 * @param {(a: Row, b: Row) => number} options.compare rows that it calls equal are ordered by key
 * @param {() => void} options.onChange something waits to be shown
 */
export function makeLiveList({ store, topic, list, wanted, compare, onChange }) {
  /** @type {[string, Row][]} what is shown, in order */
  let shown = [];
  /** @type {Map<string, Row>} */
  let rows = new Map();
  /** @type {Map<string, Row|null>} */
  const waiting = new Map();
  let whole = true;

  const inOrder = ([keyA, a], [keyB, b]) => compare(a, b) || (keyA < keyB ? -1 : Number(keyA > keyB));

  /** Where the entry stands, or would stand. @param {[string, Row]} entry */
  function placeOf(entry) {
    let [low, high] = [0, shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (inOrder(shown[middle], entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {string} key @param {Row|null} row */
  function change(key, row) {
    const old = rows.get(key);
    const seen = row !== null && wanted(row);
    if (old !== undefined && seen && compare(old, row) === 0) {
      shown[placeOf([key, old])] = [key, row];
      list.update(key, row);
    } else {
      if (old !== undefined) shown.splice(placeOf([key, old]), 1);
      if (seen) {
        const place = placeOf([key, row]);
        list.put(key, row, shown[place]?.[0]);
        shown.splice(place, 0, [key, row]);
      } else if (old !== undefined) list.remove(key);
    }
    if (seen) rows.set(key, row);
    else rows.delete(key);
  }

  function showAll() {
    shown = [...store.rows(topic)].filter(([, row]) => wanted(row)).sort(inOrder);
    rows = new Map(shown);
    list.show(shown);
  }

  store.follow(topic, (changes) => {
    for (const [key, row] of changes) waiting.set(key, row);
    onChange();
  });
  store.onReload(topic, () => {
    whole = true;
    onChange();
  });

  return {
    /** Bring the page up to date. @param {boolean} [anew] what is wanted has changed */
    show(anew = false) {
      if (whole || anew) showAll();
      else for (const [key, row] of waiting) change(key, row);
      whole = false;
      waiting.clear();
    },
    size: () => shown.length,
  };
}
