/**
 * The week of a schedule: for each day its openings, typed as hours or drawn on the day's bar with the pointer.
 * Everything that the pointer does, the fields do by keyboard.
 */
import { startPainting } from "controllers/week-paint";
import { fill, fromTemplate } from "lib/render";
import { dayNames, drawDay } from "lib/week";
import { hourOf, minutesOf, readHour } from "lib/zone-time";

/** As an end, midnight is the coming one. @param {string} text */
const endOf = (text) => (text === "00:00" ? "24:00" : text);
const isHour = (text) => /^\d\d:\d\d$/.test(text);

/** @param {HTMLElement} root @param {import("lib/page").Page} page */
export function makeWeekField(root, { locale, t }) {
  const names = dayNames(locale, "long");
  const times = (opening) => /** @type {HTMLInputElement[]} */ ([...opening.querySelectorAll("input")]);
  const read = (opening) => ({ opens: readHour(times(opening)[0].value), closes: endOf(readHour(times(opening)[1].value)) });

  const days = names.map((name, index) => {
    const element = fromTemplate("tpl-week-day");
    element.dataset.day = String(index + 1);
    element.setAttribute("aria-label", name);
    fill(element, { day: name, add: { label: t("Add hours on %(day)s", { day: name }) } });
    root.append(element);
    return element;
  });
  const openingsOf = (day) => [...day.querySelectorAll("[data-opening]")];

  function draw(day) {
    const spans = openingsOf(day).map(read);
    drawDay(day.querySelector("[data-bar]"), spans.filter(({ opens, closes }) => isHour(opens) && isHour(closes)));
    day.querySelector("[data-closed]").hidden = spans.length > 0;
  }

  function append(day, opens, closes) {
    const opening = fromTemplate("tpl-opening");
    const name = names[Number(day.dataset.day) - 1];
    const [from, to] = times(opening);
    from.value = opens;
    to.value = closes;
    from.setAttribute("aria-label", t("%(day)s, opens at", { day: name }));
    to.setAttribute("aria-label", t("%(day)s, closes at", { day: name }));
    fill(opening, { remove: { label: t("Remove these hours of %(day)s", { day: name }) } });
    day.querySelector("[data-openings]").append(opening);
    return opening;
  }

  function changed(day) {
    for (const input of day.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    fill(day, { problem: "" });
    draw(day);
    root.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Hours that touch become one. @param {HTMLElement} day @param {number} from @param {number} to minutes */
  function paint(day, from, to) {
    let [start, end] = [from, to];
    for (const opening of openingsOf(day)) {
      const { opens, closes } = read(opening);
      if (!isHour(opens) || !isHour(closes) || minutesOf(closes) < start || minutesOf(opens) > end) continue;
      [start, end] = [Math.min(minutesOf(opens), start), Math.max(minutesOf(closes), end)];
      opening.remove();
    }
    append(day, hourOf(start), hourOf(end));
    changed(day);
  }

  function copyMonday() {
    const spans = openingsOf(days[0]).map(read);
    for (const day of days.slice(1, 5)) {
      day.querySelector("[data-openings]").replaceChildren();
      for (const { opens, closes } of spans) append(day, opens, closes);
      changed(day);
    }
  }

  startPainting(root, { spans: (day) => openingsOf(day).map(read).filter(({ opens, closes }) => isHour(opens) && isHour(closes)), paint, draw });
  root.addEventListener("change", (event) => {
    const { target } = event;
    if (target instanceof HTMLInputElement) target.value = readHour(target.value);
  });
  root.addEventListener("input", (event) => { if (event.target instanceof HTMLInputElement) changed(event.target.closest("[data-day]")); });
  root.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const day = target.closest("[data-day]");
    if (target.closest("[data-add]")) {
      const last = openingsOf(day).map(read).pop();
      const [opens, closes] = !last ? ["09:00", "12:00"] : minutesOf(last.closes) < 1080 ? ["14:00", "18:00"] : ["", ""];
      const opening = append(day, last && opens && opens < last.closes ? last.closes : opens, closes);
      changed(day);
      times(opening)[0].focus();
    }
    if (target.closest("[data-remove]")) { target.closest("[data-opening]").remove(); changed(day); day.querySelector("[data-add]").focus(); }
  });

  return {
    copyMonday,
    /** @param {{day: number, opens: string, closes: string}[]} hours */
    set(hours) {
      for (const day of days) {
        day.querySelector("[data-openings]").replaceChildren();
        fill(day, { problem: "" });
        const own = hours.filter((hour) => hour.day === Number(day.dataset.day)).sort((a, b) => a.opens.localeCompare(b.opens));
        for (const { opens, closes } of own) append(day, opens, closes);
        draw(day);
      }
    },
    get: () => days.flatMap((day) => openingsOf(day).map((opening) => ({ day: Number(day.dataset.day), ...read(opening) }))),
    /** Tells a refusal of hours[index].part beside its day. @param {string} field @param {string} message */
    fail(field, message) {
      const found = /^hours\[(\d+)\](?:\.(\w+))?/.exec(field);
      const opening = found && days.flatMap(openingsOf)[Number(found[1])];
      if (!opening) return false;
      for (const input of found[2] === "closes" ? [times(opening)[1]] : found[2] === "opens" ? [times(opening)[0]] : times(opening)) input.setAttribute("aria-invalid", "true");
      fill(opening.closest("[data-day]"), { problem: message });
      return true;
    },
  };
}
