/**
 * gettext in the browser: msgids are English, translations come with the boot data.
 * @typedef {(msgid: string, params?: Record<string, string|number>) => string} Translate
 */

/** @param {string} text @param {Record<string, string|number>} params */
function interpolate(text, params) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/**
 * @param {string} locale
 * @param {Record<string, string|string[]>} messages
 * @returns {{locale: string, t: Translate, tn: (one: string, many: string, n: number) => string}}
 */
export function makeI18n(locale, messages) {
  const t = (msgid, params = {}) => {
    const found = messages[msgid];
    return interpolate(typeof found === "string" ? found : msgid, params);
  };
  // French counts 0 and 1 as singular, English only 1.
  const isMany = (n) => (locale === "fr" ? n > 1 : n !== 1);
  const tn = (one, many, n) => {
    const forms = messages[one];
    const pair = Array.isArray(forms) ? forms : [one, many];
    return interpolate(pair[isMany(n) ? 1 : 0], { n });
  };
  return { locale, t, tn };
}
