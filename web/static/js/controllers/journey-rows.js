/** The parts of one call's journey as fields of their partials. */
import { formatNumber } from "lib/phone-number";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page */
export function makeJourneyRows({ words, causes, format, t }) {
  const kinds = {
    start: t("Call created"), started: t("Call created"), created: t("Call created"), leg: t("Leg created"), leg_created: t("Leg created"),
    leg_added: t("Leg created"), dial: t("Number dialled"), dialing: t("Number dialled"), ring: t("Ringing"), ringing: t("Ringing"),
    ringing_agent: t("Agent’s phone rings"), answer: t("Picked up"), answered: t("Picked up"), bridge: t("Parties connected"),
    bridged: t("Parties connected"), talking: t("Parties connected"), hold: t("Put on hold"), held: t("Put on hold"), on_hold: t("Put on hold"),
    unhold: t("Taken off hold"), resumed: t("Taken off hold"), hangup_requested: t("Hang-up asked"), hangup: t("Hung up"),
    ended: t("Call ended"), end: t("Call ended"), failed: t("Failed"),
  };
  const tones = { ring: "ringing", ringing: "ringing", ringing_agent: "ringing", answer: "good", answered: "good", bridged: "talking", bridge: "talking", talking: "talking", hold: "hold", held: "hold", on_hold: "hold" };
  const parties = { agent: t("Agent"), customer: t("Other party"), other: t("Other leg") };
  const enders = { agent: t("Ended by the agent"), customer: t("Ended by the other party"), system: t("Ended by the system"), supervisor: t("Ended by a supervisor") };

  function ending(call) {
    if (!call.outcome) return "";
    const why = call.outcome === "answered" ? "" : causes.describe(call);
    return [words.outcomeSentence(call.outcome), why && t("Network: %(why)s.", { why })].filter(Boolean).join(" ");
  }

  function facts(call) {
    const ended = call.ended_at ? format.exact(call.ended_at) + (call.end_estimated ? ` (${t("estimated")})` : "") : "";
    return [
      [t("Direction"), words.direction(call.direction)],
      [t("Agent"), call.agent],
      [t("Site"), [call.site, call.trunk].filter(Boolean).join(" · ")],
      [t("Our number"), formatNumber(call.our_number)],
      [t("Date"), format.date(call.started_at)],
      [t("Start"), format.exact(call.started_at)],
      [t("Answered"), call.answered_at ? format.exact(call.answered_at) : ""],
      [t("End"), ended],
      [t("Talk time"), call.answered_at ? format.precise(call.talk_seconds) : ""],
      [t("Hold time"), call.hold_seconds ? format.precise(call.hold_seconds) : ""],
      [t("Ended by"), enders[call.ended_by] ?? call.ended_by],
    ];
  }

  /** A bar of the leg's parts in proportion: before ringing, ringing, talking. */
  function bar(element, parts) {
    element.replaceChildren(...parts.filter(([seconds]) => seconds > 0).map(([seconds, tone]) => {
      const span = document.createElement("span");
      span.dataset.tone = tone;
      span.style.flexGrow = String(seconds);
      return span;
    }));
  }

  function leg(leg, call, element) {
    const end = leg.ended_at ?? call.ended_at ?? leg.answered_at ?? leg.started_at;
    const ringing = leg.ringing_at ? (leg.answered_at ?? end) - leg.ringing_at : 0;
    const talking = leg.answered_at ? end - leg.answered_at : 0;
    const held = leg.hold_seconds ?? (leg.hold_ms ?? 0) / 1000;
    fill(element, {
      who: [parties[leg.role] ?? leg.role, leg.agent || formatNumber(leg.number ?? "")].filter(Boolean).join(" · "),
      total: format.precise(end - leg.started_at),
      ring: ringing ? t("ringing %(time)s", { time: format.precise(ringing) }) : "",
      talk: talking ? t("answered %(time)s", { time: format.precise(talking) }) : t("not answered"),
      hold: held ? t("hold %(time)s", { time: format.precise(held) }) : "",
      cause: causes.describe({ cause: leg.cause ?? null, sip: leg.sip ?? null }),
    });
    bar(element.querySelector("[data-field=bar]"), [[end - leg.started_at - ringing - talking, "neutral"], [ringing, "ringing"], [talking, "talking"]]);
    return element;
  }

  function detailOf(detail) {
    if (!detail || typeof detail === "string") return detail ?? "";
    return Object.entries(detail).map(([name, value]) => `${name} ${value}`).join(" · ");
  }

  function steps(call) {
    let before = call.started_at;
    return (call.timeline ?? []).map((event) => {
      const delta = event.at - before;
      before = event.at;
      return {
        root: { tone: tones[event.kind] ?? "neutral" },
        at: format.exact(event.at),
        what: kinds[event.kind] ?? event.kind,
        detail: detailOf(event.detail),
        delta: delta > 0 ? `+${format.precise(delta)}` : "",
      };
    });
  }

  return { ending, facts, leg, steps };
}
