/** Asterisk knows opening hours by their ids alone; people know them by their names. */

/**
 * @param {import("lib/page").Page["api"]} api
 * @param {any[]} changes ObjectChange
 * @returns {Promise<any[]>} the same, with `called` where the name is no word
 */
export async function nameThings(api, changes) {
  if (!changes.some(({ kind }) => kind === "schedule")) return changes;
  try {
    const { items } = await api.get("/api/schedules");
    const names = new Map(items.map(({ id, name }) => [id, name]));
    return changes.map((change) => ({ ...change, called: names.get(change.name) }));
  } catch {
    return changes;
  }
}
