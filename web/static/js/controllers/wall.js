/** The wall screen: a clock, letters as big as the number of agents allows, and Escape to leave it. */
import { setAttribute } from "lib/render";

const CROWDS = [[12, "few"], [40, "some"], [Infinity, "many"]];

/** @param {import("lib/page").Page} page */
export function startWall({ clock, format, store }) {
  if (!("wall" in document.documentElement.dataset)) return;
  const face = document.getElementById("wall-clock");
  store.watch(["agents"], () => {
    const here = store.rows("agents").size;
    setAttribute(document.documentElement, "data-wall", CROWDS.find(([most]) => here <= most)[1]);
  });
  clock.onTick((now) => { face.textContent = format.time(now); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") location.assign("/board"); });
}
