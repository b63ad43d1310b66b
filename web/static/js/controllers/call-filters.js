/** The filters of the calls page: form to query, and whether a live row belongs to what is shown. */
import { isoDay } from "lib/format";
import { readNumber } from "lib/phone-number";
import { OUTCOMES } from "lib/words";

/** A part of a number, or all of it, as the history keeps it. @param {string} text */
function international(text) {
  return readNumber(text).number.replace(/^0(?=[1-9])/, "+33").replace(/[^+\d]/g, "").slice(0, 20);
}

/** The instant at which a day of <input type="date"> begins here. @param {string} day @param {number} [later] days */
function dayStart(day, later = 0) {
  const date = new Date(`${day}T00:00:00`);
  date.setDate(date.getDate() + later);
  return date.toISOString();
}

/** @param {import("lib/page").Page} page */
export function makeCallFilters({ words, clock, boot }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("filters"));
  const control = (name) => /** @type {HTMLInputElement|HTMLSelectElement|null} */ (form.elements.namedItem(name));
  const listeners = new Set();
  let timer = 0;

  for (const outcome of OUTCOMES) control("outcome").append(new Option(words.outcome(outcome), outcome));
  for (const { id, name } of boot.data.agents ?? []) control("agent")?.append(new Option(name, id));

  function toToday() {
    const today = isoDay(clock.now());
    control("date_from").value = today;
    control("date_to").value = today;
  }

  function values() {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    if (given.number) given.number = international(String(given.number));
    return given;
  }

  function changed() {
    clearTimeout(timer);
    timer = window.setTimeout(() => { for (const listener of listeners) listener(); }, 200);
  }

  toToday();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => window.setTimeout(() => { toToday(); changed(); }));

  return {
    values,
    query() {
      const query = values();
      if (query.date_from) query.date_from = dayStart(query.date_from);
      if (query.date_to) query.date_to = dayStart(query.date_to, 1);
      return new URLSearchParams(query);
    },
    /** @param {() => void} listener */ onChange: (listener) => listeners.add(listener),
    /** Tells of rows that just came whether they belong to the list. @returns {(row: any) => boolean} */
    matcher() {
      const want = values();
      const digits = want.number?.replace(/^\+/, "");
      return (row) => {
        const day = isoDay(row.started_at);
        if ((want.date_from && day < want.date_from) || (want.date_to && day > want.date_to)) return false;
        if (want.direction && row.direction !== want.direction) return false;
        if (want.outcome && row.outcome !== want.outcome) return false;
        if (want.agent && row.agent_id !== want.agent) return false;
        return !digits || row.number.includes(digits);
      };
    },
  };
}
