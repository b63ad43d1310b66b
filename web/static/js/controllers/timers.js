/** Every running timer of the page, turned by one ticker: an element with data-since shows the time since then. */
import { setText } from "lib/render";

/** @param {import("lib/page").Page} page */
export function startTimers({ clock, format }) {
  function turn(now) {
    if (document.body.classList.contains("is-blind")) return;
    for (const element of document.querySelectorAll("[data-since]")) {
      setText(element, format.duration(now - Number(element.dataset.since)));
    }
  }
  clock.onTick(turn);
  return () => turn(clock.now());
}
