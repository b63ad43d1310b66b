/**
 * Numbers as people read and type them. The server has the last word on what may be called; this only
 * shows the number as it understands it, and refuses at once what no network could take.
 */

const TWO_DIGIT_CODES = /^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** @param {string} digits @param {number} first length of the first group */
function pairs(digits, first) {
  const rest = digits.slice(first).replace(/(\d{2})(?=\d)/g, "$1\u00a0");
  return rest ? `${digits.slice(0, first)}\u00a0${rest}` : digits.slice(0, first);
}

/** @param {string} digits without + @returns {number} length of the country code */
function codeLength(digits) {
  if (/^[17]/.test(digits)) return 1;
  return TWO_DIGIT_CODES.test(digits) ? 2 : 3;
}

/**
 * @param {string} number E.164, or anything else which is returned as it is
 * @param {boolean} [national] French numbers as they are said in France
 */
export function formatNumber(number, national = true) {
  if (!/^\+\d{5,15}$/.test(number)) return number;
  const digits = number.slice(1);
  if (/^33\d{9}$/.test(digits)) {
    const rest = digits.slice(2);
    return national ? pairs(`0${rest}`, 2) : `+33\u00a0${pairs(rest, 1)}`;
  }
  const length = codeLength(digits);
  const rest = digits.slice(length);
  return `+${digits.slice(0, length)}\u00a0${pairs(rest, rest.length % 2 ? 3 : 2)}`;
}

/**
 * @param {string} text as typed or pasted
 * @returns {{number: string, shown: string, error: ""|"empty"|"characters"|"short"|"long"}}
 */
export function readNumber(text) {
  const bare = text.replace(/[\s.\-/()\u00a0\u202f]/g, "").replace(/^00/, "+");
  const error = problemOf(bare);
  const number = /^0[1-9]\d{8}$/.test(bare) ? `+33${bare.slice(1)}` : bare;
  return { number, shown: error ? "" : formatNumber(number, false), error };
}

/** @param {string} bare */
function problemOf(bare) {
  if (!bare) return "empty";
  if (!/^\+?[\d*#]+$/.test(bare)) return "characters";
  if (bare.startsWith("+") && bare.length < 8) return "short";
  if (bare.length < 2) return "short";
  return bare.length > 16 ? "long" : "";
}
