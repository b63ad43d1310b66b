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

/** "09:00–12:00, 14:00–18:00" @param {{opens: string, closes: string}[]} spans */
export function spansInWords(spans) {
  return [...spans].sort((a, b) => a.opens.localeCompare(b.opens)).map(({ opens, closes }) => `${opens}–${closes}`).join(", ");
}
