/** The wall screen's clock, and Escape to leave it. */

/** @param {import("lib/page").Page} page */
export function startWall({ clock, format }) {
  if (!("wall" in document.documentElement.dataset)) return;
  const face = document.getElementById("wall-clock");
  clock.onTick((now) => { face.textContent = format.time(now); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") location.assign("/board"); });
}
