/** Opening hours: which are open now, their week at a glance, and how many numbers follow them. */
import { makeAdminData } from "controllers/admin-data";
import { makeConfirm } from "controllers/confirm";
import { makeDidCounts } from "controllers/did-counts";
import { makeScheduleForm } from "controllers/schedule-form";
import { makeKeyedList } from "lib/keyed-list";
import { setText } from "lib/render";
import { dayNames, drawDay, spansInWords, specialInWords } from "lib/week";
import { timeIn } from "lib/zone-time";

/** @param {import("lib/page").Page} page */
export function startScheduleList(page) {
  const { clock, locale, t, tn } = page;
  const place = (id) => document.getElementById(id);
  const data = makeAdminData(page, ["schedule"]);
  const counts = makeDidCounts(page, data.touch);
  const form = makeScheduleForm(page, data, makeConfirm(page), counts);
  const short = dayNames(locale, "short");
  const calendars = new Map([.../** @type {HTMLSelectElement} */ (place("schedule-holidays")).options].map(({ value, text }) => [value, text]));

  function fields({ schedule, numbers, today }) {
    const coming = schedule.exceptions.filter((day) => day.date >= today.date).sort((a, b) => a.date.localeCompare(b.date));
    return {
      name: schedule.name, now: schedule.open_now ? { text: t("Open"), tone: "good" } : { text: t("Closed"), tone: "offline" },
      zone: schedule.zone.replaceAll("_", " "), used: numbers ? tn("%(n)s number", "%(n)s numbers", numbers) : t("No number follows them"),
      holidays: schedule.holidays ? t("Closed on public holidays: %(place)s", { place: calendars.get(schedule.holidays) ?? schedule.holidays }) : t("Open on public holidays too"),
      coming: coming.length ? `${coming.slice(0, 2).map((day) => specialInWords(day, locale, t)).join(" · ")}${coming.length > 2 ? " · …" : ""}` : "",
    };
  }

  function drawWeek(element, { schedule, today }) {
    element.querySelector("[data-clock]").dataset.zone = schedule.zone;
    setText(element.querySelector("[data-clock]"), today.time);
    element.querySelector("[data-week]").replaceChildren(...short.map((name, index) => {
      const row = document.createElement("li");
      const [label, bar, words] = ["span", "span", "span"].map((tag) => document.createElement(tag));
      const spans = schedule.hours.filter(({ day }) => day === index + 1);
      label.textContent = name;
      bar.className = "day-bar";
      bar.setAttribute("aria-hidden", "true");
      drawDay(bar, spans);
      words.className = "num";
      words.textContent = spansInWords(spans) || t("closed");
      row.classList.toggle("today", today.day === index + 1);
      row.append(label, bar, words);
      return row;
    }));
  }

  const list = makeKeyedList({ container: place("schedules"), template: "tpl-schedule", prefix: "schedule", fields, after: drawWeek });

  function show() {
    if (!data.loaded() || !counts.told()) return;
    const rows = data.rows("schedule").sort((a, b) => a.name.localeCompare(b.name, locale));
    list.show(rows.map((schedule) => [schedule.id, {
      schedule, numbers: counts.ofSchedule(schedule.id),
      today: timeIn(clock.now(), schedule.zone) ?? { day: 0, date: "", time: "" },
    }]));
    place("schedules-waiting").hidden = true;
    place("schedules-none").hidden = rows.length > 0;
    form.look();
  }

  /** "Open" and "closed" are the server's words: asked for again whenever an hour of a schedule strikes. */
  let minute = "";
  clock.onTick((now) => {
    const times = data.rows("schedule").map((schedule) => ({ schedule, time: timeIn(now, schedule.zone)?.time }));
    const stamp = String(Math.floor(now / 60));
    if (stamp === minute) return;
    const first = minute === "";
    minute = stamp;
    const strikes = times.some(({ schedule, time }) => time === "00:00" || [...schedule.hours, ...schedule.exceptions].some(({ opens, closes }) => opens === time || closes === time));
    if (!first && strikes) void data.reload(["schedule"]);
  });

  place("schedules").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const id = target.closest("[data-edit]") && target.closest("[data-key]")?.dataset.key;
    if (id) form.edit(data.find("schedule", id));
  });
  place("new-schedule").addEventListener("click", () => form.create());
  data.onChange(show);
}
