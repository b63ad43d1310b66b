/** Opening hours drawn: a bar of 24 hours a day, with what is open on it. */
import { minutesOf } from "lib/zone-time";

const DAY_MINUTES = 1440;

/** Names of the days from Monday on. @param {string} locale @param {"long"|"short"} style @returns {string[]} */
export function dayNames(locale, style) {
  const format = new Intl.DateTimeFormat(locale, { weekday: style, timeZone: "UTC" });
  // 2024-01-01 was a Monday.
  return [1, 2, 3, 4, 5, 6, 7].map((day) => {
    const name = format.format(new Date(Date.UTC(2024, 0, day)));
    return name[0].toLocaleUpperCase(locale) + name.slice(1);
  });
}

/** @param {Element} bar @param {{opens: string, closes: string}[]} spans what cannot be drawn is left out */
export function drawDay(bar, spans) {
  const drawn = spans.map(({ opens, closes }) => [minutesOf(opens), minutesOf(closes)]).filter(([from, to]) => from < to);
  bar.replaceChildren(...drawn.map(([from, to]) => {
    const part = document.createElement("span");
    part.style.insetInlineStart = `${(from / DAY_MINUTES) * 100}%`;
    part.style.inlineSize = `${((to - from) / DAY_MINUTES) * 100}%`;
    return part;
  }));
}

/** The open days, a line each. @param {{day: number, opens: string, closes: string}[]} hours @param {string} locale */
export function weekInWords(hours, locale) {
  return dayNames(locale, "short").map((name, index) => [name, spansInWords(hours.filter(({ day }) => day === index + 1))])
    .filter(([, spans]) => spans).map(([name, spans]) => `${name}\u00a0${spans}`).join("\n");
}

/** A day that differs, with its hours and why. @param {{date: string, opens: string, closes: string, label: string}} special @param {string} locale @param {import("lib/i18n").Translate} t */
export function specialInWords({ date, opens, closes, label }, locale, t) {
  const format = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  // Somebody may not have chosen the date yet.
  const day = date ? format.format(new Date(`${date}T12:00:00Z`)) : "–";
  const hours = opens ? spansInWords([{ opens, closes }]) : t("closed");
  return [t("%(day)s: %(hours)s", { day, hours }), label].filter(Boolean).join(" – ");
}

/** "09:00–12:00, 14:00–18:00" @param {{opens: string, closes: string}[]} spans */
export function spansInWords(spans) {
  return [...spans].sort((a, b) => a.opens.localeCompare(b.opens)).map(({ opens, closes }) => `${opens}–${closes}`).join(", ");
}
