/** Every record in every state, filled by the same code as the live pages. Development only. */
import { startLinkChips } from "controllers/link-chips";
import { makeListField } from "controllers/list-field";
import { startMenu } from "controllers/menu";
import { makeOrderField } from "controllers/order-field";
import { makeRows } from "controllers/rows";
import { CODECS } from "controllers/site-form";
import { startTimers } from "controllers/timers";
import { makeWeekField } from "controllers/week-field";
import { setFieldError } from "lib/form";
import { makeKeyedList } from "lib/keyed-list";
import { OUTCOMES } from "lib/words";

const STATES = ["offline", "available", "paused", "ringing", "dialing", "on_call", "on_hold", "wrap_up"];
const CALL_STATES = ["ringing_agent", "dialing", "ringing", "talking", "on_hold"];

/** @param {import("lib/page").Page} page */
export function startStyleguide(page) {
  const { clock, store, toasts, t } = page;
  const now = clock.now();
  const rows = makeRows(page);
  const place = (id) => document.getElementById(id);
  const agent = { name: "Camille Roux", login: "camille", site: "Paris", extension: "201", reason: "", phone: "registered", as_of: now };
  const call = {
    direction: "inbound", number: "+33612345678", agent: "Camille Roux", site: "Paris", trunk: "paris", started_at: now - 70,
    ringing_at: now - 68, answered_at: now - 60, held_since: now - 9, ended_at: null, outcome: "", talk_seconds: 51, as_of: now,
  };
  const list = (container, template, prefix, fields) => makeKeyedList({ container: place(container), template, prefix, fields });

  list("sg-agents", "tpl-agent", "agent", rows.agent).show(STATES.map((state, i) => [
    state, { ...agent, state, since: now - 61 * i, reason: state === "paused" ? "lunch" : "", phone: state === "wrap_up" ? "unreachable" : "registered" },
  ]));
  list("sg-calls-rows", "tpl-call", "call", rows.call).show(CALL_STATES.map((state) => [state, { ...call, state }]));
  list("sg-history-rows", "tpl-history", "history", rows.history).show(OUTCOMES.map((outcome) => [
    outcome, { ...call, state: "ended", ended_at: now, outcome, answered_at: outcome === "answered" ? now - 60 : null },
  ]));
  store.load({ links: {
    ami: { id: "ami", up: true, since: now - 90, detail: "", lag: 0, drift: 0, as_of: now },
    "trunk:lyon": { id: "trunk:lyon", up: false, since: now - 30, detail: "OPTIONS", lag: 0, drift: 0, as_of: now },
  } });

  makeListField(place("sg-several").querySelector("[data-list]"), t).set(["10.1.0.0/16", "10.9.4.0/24"]);
  setFieldError(place("sg-several"), "subnets[1]", t("This number is too short."));
  const codecs = makeOrderField(place("sg-order"), t);
  codecs.offer(CODECS);
  codecs.set(["opus", "alaw"]);
  const week = makeWeekField(place("sg-week"), page);
  week.set([{ day: 1, opens: "09:00", closes: "12:00" }, { day: 1, opens: "14:00", closes: "18:00" }, { day: 2, opens: "20:00", closes: "24:00" }]);
  week.fail("hours[2].closes", t("This number is too short."));

  setFieldError(place("sg-form"), "sg-wrong", t("This number is too short."));
  for (const kind of ["dialog", "panel"]) {
    place(`sg-open-${kind}`).addEventListener("click", () => place(`sg-${kind}`).showModal());
    place(`sg-${kind}`).querySelector("[data-close]").addEventListener("click", () => place(`sg-${kind}`).close());
  }
  place("sg-toast").addEventListener("click", () => { toasts.done(t("Saved.")); toasts.failed(new Error(t("The server cannot be reached. Try again in a moment."))); });
  startMenu(page);
  startLinkChips(page);
  startTimers(page);
}
