/** Instants, durations and names as people read them. Instants are epoch seconds. */

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/** @param {number} seconds a running or finished time: 0:07, 12:05, 1:02:03 */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {number} seconds with milliseconds, for one call's journey: 340 ms, 2.450 s, 1:02.450 */
export function precise(seconds, locale) {
  const ms = Math.round(seconds * 1000);
  if (ms < 1000) return `${ms}\u00a0ms`;
  if (ms < 60_000) return `${new Intl.NumberFormat(locale, { minimumFractionDigits: 3 }).format(ms / 1000)}\u00a0s`;
  return `${duration(ms / 1000)}${locale === "fr" ? "," : "."}${String(ms % 1000).padStart(3, "0")}`;
}

/** @param {string} locale */
export function makeFormat(locale) {
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const short = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
  const full = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
  const at = (epoch) => new Date(epoch * 1000);
  const sameDay = (a, b) => at(a).toDateString() === at(b).toDateString();
  return {
    locale,
    /** @param {number} epoch */ time: (epoch) => time.format(at(epoch)),
    /** @param {number} epoch */ date: (epoch) => full.format(at(epoch)),
    /** 14:03:12.450 @param {number} epoch */
    exact: (epoch) => `${time.format(at(epoch))}${locale === "fr" ? "," : "."}${String(Math.round(epoch * 1000) % 1000).padStart(3, "0")}`,
    /** The time alone today, the day before it otherwise. @param {number} epoch @param {number} now */
    moment: (epoch, now) => (sameDay(epoch, now) ? short.format(at(epoch)) : `${day.format(at(epoch))} ${short.format(at(epoch))}`),
    sameDay,
    precise: (seconds) => precise(seconds, locale),
    duration,
  };
}

/** @param {string} name */
export function initials(name) {
  const words = name.trim().split(/[\s-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("");
}

/** A name's own colour among eight. @param {string} name */
export function hueOf(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 8191;
  return String(sum % 8);
}

/** Local calendar day as <input type="date"> writes it. @param {number} epoch */
export function isoDay(epoch) {
  const date = new Date(epoch * 1000);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
