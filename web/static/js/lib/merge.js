/**
 * Two people edit one record: what the other changed, what was typed here, and where both touch the same field.
 * @typedef {object} Meeting
 * @property {string[]} theirs  fields that the other changed
 * @property {string[]} mine    fields that were changed here
 * @property {string[]} both    fields that both changed, and not to the same
 */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * @param {object} rows
 * @param {Record<string, any>} rows.base    the record when the form was opened
 * @param {Record<string, any>} rows.theirs  the record as it is now
 * @param {Record<string, any>} rows.before  what the form said when it was opened
 * @param {Record<string, any>} rows.now     what it says now
 * @returns {Meeting}
 */
export function meet({ base, theirs, before, now }) {
  const theirOwn = Object.keys(before).filter((name) => name in base && !same(base[name], theirs[name]));
  const mine = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => !same(before[name], now[name]));
  return { theirs: theirOwn, mine, both: theirOwn.filter((name) => mine.includes(name) && !same(now[name], theirs[name])) };
}

/** @param {Record<string, any>} values @param {string[]} names */
export const pick = (values, names) => Object.fromEntries(names.map((name) => [name, values[name]]));
