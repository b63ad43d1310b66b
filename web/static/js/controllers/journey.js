/** One call's journey in a side panel: facts, legs with their parts, timeline to the millisecond. */
import { makeJourneyRows } from "controllers/journey-rows";
import { formatNumber } from "lib/phone-number";
import { fill, fromTemplate } from "lib/render";

/** What the stream shows is in the database a moment later. */
const BEHIND_MS = 400;

/** @param {import("lib/page").Page} page */
export function startJourney(page) {
  const { api, store, words, toasts, t } = page;
  /** @type {string|null} the call that is shown, and the state of its row when it was last read */
  let shown = null;
  let seen = "";
  let timer = 0;
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

  /** What makes a row worth reading the journey again. */
  function stateOf(id) {
    const row = store.rows("history").get(id) ?? store.rows("calls").get(id);
    return row ? `${row.state} ${row.answered_at} ${row.hold_seconds} ${row.ended_at}` : "";
  }

  /** A call in progress goes on while somebody looks at it. */
  function follow() {
    if (!shown || !panel.open || stateOf(shown) === seen) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => shown && panel.open && read(shown), BEHIND_MS);
  }

  /** @param {string} id @returns {Promise<boolean>} */
  async function read(id) {
    seen = stateOf(id);
    try {
      const journey = await api.get(`/api/calls/${id}`);
      if (shown === id) show(journey);
      return true;
    } catch (error) {
      toasts.failed(error);
      return false;
    }
  }

  /** @param {string} id */
  async function open(id) {
    shown = id;
    if (!(await read(id)) || shown !== id) return;
    const url = new URL(location.href);
    url.searchParams.set("call", id);
    history.replaceState(null, "", url);
    if (!panel.open) panel.showModal();
    panel.scrollTop = 0;
  }

  panel.addEventListener("click", (event) => { if (event.target === panel) panel.close(); });
  panel.addEventListener("close", () => {
    shown = null;
    const url = new URL(location.href);
    url.searchParams.delete("call");
    history.replaceState(null, "", url);
  });
  for (const button of panel.querySelectorAll("[data-close]")) button.addEventListener("click", () => panel.close());

  store.watch(["calls", "history"], follow);
  const linked = new URL(location.href).searchParams.get("call");
  if (linked) void open(linked);
  return open;
}
