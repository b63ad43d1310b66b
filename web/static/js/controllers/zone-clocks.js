/** Each element with data-zone shows the time there. */
import { setText } from "lib/render";
import { timeIn } from "lib/zone-time";

/** @param {import("lib/page").Page} page */
export function startZoneClocks({ clock }) {
  clock.onTick((now) => {
    for (const element of document.querySelectorAll("[data-zone]")) {
      setText(element, timeIn(now, element.dataset.zone)?.time ?? "–");
    }
  });
}
