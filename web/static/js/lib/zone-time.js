/** What a clock on the wall of another place shows. */

/** @type {Map<string, Intl.DateTimeFormat>} making one is slow, using it is not */
const formats = new Map();

/** @param {string} zone IANA */
function formatOf(zone) {
  let found = formats.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    });
    formats.set(zone, found);
  }
  return found;
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/**
 * @param {number} epoch seconds @param {string} zone
 * @returns {{time: string, day: number, date: string}|null} day 1 = Monday, date as 2026-11-21; null for a zone unknown to this browser
 */
export function timeIn(epoch, zone) {
  try {
    const parts = Object.fromEntries(formatOf(zone).formatToParts(new Date(epoch * 1000)).map(({ type, value }) => [type, value]));
    return { time: `${parts.hour}:${parts.minute}`, day: DAYS.indexOf(parts.weekday) + 1, date: `${parts.year}-${parts.month}-${parts.day}` };
  } catch {
    return null;
  }
}

/** An hour as people type it: 9, 9h30, 930, 09:30. What is none comes back as it was, for the server to refuse. @param {string} text */
export function readHour(text) {
  const found = /^\s*(\d{1,2})\s*(?:[h:.]?\s*([0-5]\d)|[h:.]?)\s*$/i.exec(text);
  if (!found || Number(found[1]) > 24) return text.trim();
  return `${found[1].padStart(2, "0")}:${found[2] ?? "00"}`;
}

/** @param {string} text "HH:MM", "24:00" included @returns {number} minutes since midnight */
export function minutesOf(text) {
  const [hours, minutes] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

/** @param {number} minutes since midnight, 1440 for the coming one */
export function hourOf(minutes) {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
