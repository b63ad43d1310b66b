/** One call's journey in a side panel: facts, legs with their parts, timeline to the millisecond. */
import { makeJourneyRows } from "controllers/journey-rows";
import { formatNumber } from "lib/phone-number";
import { fill, fromTemplate } from "lib/render";

/** @param {import("lib/page").Page} page */
export function startJourney(page) {
  const { api, words, toasts, t } = page;
  const rows = makeJourneyRows(page);
  const panel = /** @type {HTMLDialogElement} */ (document.getElementById("journey"));
  const place = (id) => document.getElementById(id);

  function facts(pairs) {
    place("journey-facts").replaceChildren(...pairs.filter(([, value]) => value).flatMap(([name, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      dt.textContent = name;
      dd.textContent = value;
      return [dt, dd];
    }));
  }

  function show({ call, legs, timeline }) {
    fill(panel, {
      title: formatNumber(call.number) || t("Hidden number"),
      outcome: { text: call.outcome ? words.outcome(call.outcome) : words.callState(call.state), tone: call.outcome ? words.outcomeTone(call.outcome) : words.callTone(call.state) },
      sentence: rows.ending(call),
    });
    facts(rows.facts(call));
    place("journey-legs").replaceChildren(...legs.map((leg) => rows.leg(leg, call, fromTemplate("tpl-leg"))));
    place("journey-steps").replaceChildren(...rows.steps(call, timeline).map((fields) => {
      const step = fromTemplate("tpl-step");
      fill(step, fields);
      return step;
    }));
  }

  /** @param {string} id */
  async function open(id) {
    try {
      show(await api.get(`/api/calls/${id}`));
    } catch (error) {
      toasts.failed(error);
      return;
    }
    const url = new URL(location.href);
    url.searchParams.set("call", id);
    history.replaceState(null, "", url);
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  }

  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
  panel.addEventListener("close", () => {
    const url = new URL(location.href);
    url.searchParams.delete("call");
    history.replaceState(null, "", url);
  });
  for (const button of panel.querySelectorAll("[data-close]")) button.addEventListener("click", () => panel.close());

  const linked = new URL(location.href).searchParams.get("call");
  if (linked) void open(linked);
  return open;
}
