/**
 * A list of records, each with a stable element: only what changed is touched, focus and selection survive.
 */
import { fill, fromTemplate } from "lib/render";

/**
 * @template Row
 * @param {object} options
 * @param {HTMLElement} options.container
 * @param {string} options.template id of the record's <template>
 * @param {string} options.prefix of the DOM ids: prefix-key
 * @param {(row: Row) => Record<string, any>} options.fields
 * @param {(element: HTMLElement, row: Row) => void} [options.after]
 */
export function makeKeyedList({ container, template, prefix, fields, after }) {
  /** @type {Map<string, {element: HTMLElement, row: Row}>} */
  const shown = new Map();

  function elementFor(key, row) {
    const known = shown.get(key);
    if (known && known.row === row) return known.element;
    const element = known ? known.element : fromTemplate(template);
    if (!known) {
      element.id = `${prefix}-${key}`;
      element.dataset.key = key;
    }
    shown.set(key, { element, row });
    fill(element, fields(row));
    after?.(element, row);
    return element;
  }

  return {
    /** @param {[string, Row][]} entries in the order in which they must be seen */
    show(entries) {
      const wanted = new Set(entries.map(([key]) => key));
      for (const [key, { element }] of shown) {
        if (wanted.has(key)) continue;
        element.remove();
        shown.delete(key);
      }
      let next = container.firstElementChild;
      for (const [key, row] of entries) {
        const element = elementFor(key, row);
        if (element === next) next = next.nextElementSibling;
        else container.insertBefore(element, next);
      }
    },
    /** One record, before another that is shown, or last. @param {string} key @param {Row} row @param {string} [before] */
    put(key, row, before) {
      container.insertBefore(elementFor(key, row), before === undefined ? null : shown.get(before).element);
    },
    /** One record where it is. @param {string} key @param {Row} row */
    update: (key, row) => { elementFor(key, row); },
    /** @param {string} key */
    remove(key) {
      shown.get(key)?.element.remove();
      shown.delete(key);
    },
    /** Fill every record again, for what depends on more than its row. */
    refill() {
      for (const { element, row } of shown.values()) fill(element, fields(row));
    },
    size: () => shown.size,
  };
}
