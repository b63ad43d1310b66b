/** Hours drawn on a day's bar with the pointer, by the half hour. The fields beside it do the same by keyboard. */
import { drawDay } from "lib/week";
import { hourOf } from "lib/zone-time";

const STEP = 30;
const DAY_MINUTES = 1440;

/**
 * @param {HTMLElement} root
 * @param {object} week
 * @param {(day: HTMLElement) => {opens: string, closes: string}[]} week.spans what is open that day now
 * @param {(day: HTMLElement, from: number, to: number) => void} week.paint
 * @param {(day: HTMLElement) => void} week.draw shows the day as it was
 */
export function startPainting(root, { spans, paint, draw }) {
  root.addEventListener("pointerdown", (event) => {
    const bar = /** @type {Element} */ (event.target).closest("[data-bar]");
    if (!bar || event.button !== 0) return;
    event.preventDefault();
    const day = /** @type {HTMLElement} */ (bar.closest("[data-day]"));
    const box = bar.getBoundingClientRect();
    const at = (x) => Math.min(DAY_MINUTES, Math.max(0, Math.round(((x - box.left) / box.width) * (DAY_MINUTES / STEP)) * STEP));
    const first = at(event.clientX);
    const before = spans(day);
    const ends = (x) => [Math.min(first, at(x)), Math.max(first, at(x))];

    function move({ clientX }) {
      const [opens, closes] = ends(clientX).map(hourOf);
      drawDay(bar, [...before, { opens, closes }]);
    }

    function end({ type, clientX }) {
      for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, end);
      removeEventListener("pointermove", move);
      const [from, to] = ends(clientX);
      if (type === "pointerup" && from < to) paint(day, from, to);
      else draw(day);
    }
    addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
  });
}
