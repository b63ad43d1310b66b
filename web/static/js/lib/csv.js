/** Tables as CSV that spreadsheets of the reader's language open with a double click. */

/** What a spreadsheet would take for a formula; a phone number in international form is none. */
const FORMULA = /^(?:[=@\t\r]|[+-](?!\d+$))/;

/** @param {unknown} value @param {string} separator */
function cell(value, separator) {
  const text = String(value ?? "");
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return safe.includes(separator) || /["\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {string[]} header @param {unknown[][]} rows @param {string} locale */
export function makeCsv(header, rows, locale) {
  // French spreadsheets take the comma for a decimal mark; without the mark of order they take UTF-8 for Latin-1.
  const separator = locale === "fr" ? ";" : ",";
  return `\ufeff${[header, ...rows].map((row) => row.map((value) => cell(value, separator)).join(separator)).join("\r\n")}\r\n`;
}
