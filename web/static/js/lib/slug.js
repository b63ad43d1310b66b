/** Short names made from names: small letters, digits and dashes, as the server wants them. */

/** @param {string} name @param {number} [longest] */
export function slugOf(name, longest = 31) {
  const plain = name.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replaceAll("œ", "oe").replaceAll("æ", "ae");
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-+/, "").slice(0, longest).replace(/-+$/, "");
}

/** The first of base, base-2, base-3... that is not taken. @param {string} base @param {Set<string>} taken */
export function freeSlug(base, taken) {
  if (!taken.has(base)) return base;
  let n = 2;
  while (taken.has(`${base}-${n}`)) n += 1;
  return `${base}-${n}`;
}
