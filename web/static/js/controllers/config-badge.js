/** Beside the navigation's entry, on every page: how many changes Asterisk has not been told, or that it is told now. */
import { isHeld, isRunning } from "lib/config-run";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page */
export function startConfigBadge({ store, t, tn }) {
  const badges = document.querySelectorAll("[data-config-badge]");

  /** @param {any} state a ConfigState @returns {{count: string, said: string, tone: string, busy: boolean}|null} */
  function told(state) {
    if (!state?.configured) return null;
    if (isRunning(state.run) && state.run.action !== "check") return { count: "…", said: t("being applied"), tone: "talking", busy: true };
    if (!state.changes) return null;
    const said = tn("%(n)s change not applied", "%(n)s changes not applied", state.changes);
    return { count: state.changes > 99 ? "99+" : String(state.changes), said, tone: isHeld(state) || state.stuck ? "bad" : "warn", busy: false };
  }

  store.watch(["config"], () => {
    const badge = told(store.rows("config").get("state"));
    for (const element of badges) {
      element.hidden = !badge;
      if (!badge) continue;
      fill(element, { count: badge.count, said: `(${badge.said})` });
      element.dataset.tone = badge.tone;
      element.title = badge.said;
      element.toggleAttribute("data-busy", badge.busy);
    }
  });
}
