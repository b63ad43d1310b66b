/** The agent's call in progress, then how it ended in words, until the next one or until it is closed. */
import { makeCallWords } from "controllers/call-words";
import { stateSince } from "controllers/rows";
import { fill } from "lib/render";

const STEPS = ["ringing_agent", "dialing", "ringing", "talking"];
/** An inbound call only rings and is answered: it is the agent's phone that rings. */
const INBOUND_STEPS = ["ringing", "talking"];
const REACHED = { ringing_agent: 0, dialing: 1, ringing: 2, talking: 3, on_hold: 3 };

/** @param {import("lib/page").Page} page @param {(number: string) => void} dial */
export function startCurrentCall(page, dial) {
  const { store, me, words, api, toasts } = page;
  const say = makeCallWords(page);
  const card = document.getElementById("now");
  const body = document.getElementById("current");
  const idle = document.getElementById("idle");
  const button = (id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));
  const hangup = button("hangup");
  const { title } = document;
  /** @type {any} */
  let call = null;

  function showSteps(row) {
    const reached = REACHED[row.state] ?? -1;
    const steps = row.direction === "inbound" ? INBOUND_STEPS : STEPS;
    for (const step of body.querySelectorAll("[data-step]")) {
      const place = STEPS.indexOf(step.dataset.step);
      step.hidden = !steps.includes(step.dataset.step);
      step.toggleAttribute("data-done", place <= reached);
      if (place === reached) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
    body.querySelector(".steps").hidden = row.state === "ended";
  }

  /** A tab that is not looked at says by its title that somebody calls. */
  function showTitle() {
    const rings = call && call.state !== "ended" && call.state !== "talking" && call.state !== "on_hold";
    document.title = rings ? `${words.callState(call.state)} · ${say.number(call)}` : title;
  }

  function show() {
    showTitle();
    idle.hidden = Boolean(call);
    body.hidden = !call;
    card.dataset.tone = "neutral";
    if (!call) return;
    const ended = call.state === "ended";
    const tone = ended ? words.outcomeTone(call.outcome) : words.callTone(call.state);
    card.dataset.tone = tone;
    fill(body, {
      state: { text: ended ? words.outcome(call.outcome) : words.callState(call.state), tone },
      number: say.number(call),
      hint: say.sentence(call),
      since: { since: ended ? null : stateSince(call) },
      seen: { seen: call.as_of },
      place: { text: call.site, title: call.trunk },
      our_number: say.ourNumber(call),
    });
    showSteps(call);
    const held = document.activeElement === hangup;
    hangup.hidden = ended;
    if (!ended) hangup.disabled = false;
    button("dismiss").hidden = !ended;
    button("redial").hidden = !ended || !call.number;
    if (ended && held) button("dismiss").focus();
  }

  function choose() {
    const mine = store.values("calls").filter((row) => row.agent_id === me.id && row.state !== "ended");
    const newest = mine.sort((a, b) => b.started_at - a.started_at)[0];
    if (newest) call = newest;
    else if (call) call = store.rows("history").get(call.id) ?? (call.state === "ended" ? call : { ...call, ...store.rows("calls").get(call.id) });
    // Gone from both topics: it ended while this page did not see.
    if (call && !newest && call.state !== "ended") call = null;
    show();
  }

  hangup.addEventListener("click", async () => {
    hangup.disabled = true;
    try {
      await api.post(`/api/calls/${call.id}/hangup`);
    } catch (error) {
      hangup.disabled = false;
      toasts.failed(error);
    }
  });
  button("dismiss").addEventListener("click", () => { call = null; show(); });
  button("redial").addEventListener("click", () => dial(call.number));
  store.watch(["calls", "history"], choose);
}
