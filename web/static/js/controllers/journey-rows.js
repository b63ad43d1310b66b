/** The parts of one call's journey as fields of their partials. */
import { formatNumber } from "lib/phone-number";
import { fill } from "lib/render";

/** @param {import("lib/page").Page} page */
export function makeJourneyRows({ words, causes, format, t }) {
  const kinds = {
    placed: t("Call created"), leg_created: t("Leg created"), ringing: t("Ringing"), answered: t("Picked up"),
    connected: t("Parties connected"), hold: t("Put on hold"), unhold: t("Taken off hold"),
    routed: t("Sent on"), way_failed: t("Trunk failed"), hangup_asked: t("Hang-up asked"), leg_ended: t("Hung up"), ended: t("Call ended"),
  };
  const tones = { ringing: "ringing", answered: "good", connected: "talking", hold: "hold", unhold: "talking" };
  const parties = { agent: t("Agent"), customer: t("Other party"), other: t("Other leg") };
  const targets = {
    agent: t("to the agent’s phone"), mobile: t("to the agent’s mobile"), phone: t("to a phone of the site"), number: t("to a number outside"),
    voicemail: t("to the voicemail"), none: t("to nobody"), refused: t("refused by the rules of the site"),
  };
  const enders = { agent: t("Ended by the agent"), customer: t("Ended by the other party"), network: t("Ended by the network"), server: t("Ended by the server") };

  function ending(call) {
    if (!call.outcome) return "";
    const why = call.outcome === "answered" ? "" : causes.describe(call);
    return [words.outcomeSentence(call.outcome), why && t("Network: %(why)s.", { why })].filter(Boolean).join(" ");
  }

  function facts(call) {
    const ended = call.ended_at ? format.exact(call.ended_at) + (call.end_estimated ? ` (${t("estimated")})` : "") : "";
    return [
      [t("Direction"), words.direction(call.direction)],
      [t("Agent"), call.agent || formatNumber(call.party)],
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
    fill(element, {
      who: [parties[leg.role] ?? leg.role, (leg.role === "agent" && call.agent) || formatNumber(leg.number)].filter(Boolean).join(" · "),
      total: format.precise(end - leg.started_at),
      ring: ringing ? t("ringing %(time)s", { time: format.precise(ringing) }) : "",
      talk: talking ? t("answered %(time)s", { time: format.precise(talking) }) : t("not answered"),
      hold: leg.hold_seconds ? t("hold %(time)s", { time: format.precise(leg.hold_seconds) }) : "",
      cause: causes.describe(leg),
    });
    bar(element.querySelector("[data-field=bar]"), [[end - leg.started_at - ringing - talking, "neutral"], [ringing, "ringing"], [talking, "talking"]]);
    return element;
  }

  /** Where a caller was sent; the detail says first when and why ("closed", "unanswered"), then a number or an extension. */
  function routed({ role, detail }) {
    const [first, second] = detail.split(" ");
    const why = { closed: t("Outside hours"), unanswered: t("Nobody answered") }[first];
    const to = why ? second : first;
    return [why, targets[role] ?? role, to && formatNumber(to)].filter(Boolean).join(" · ");
  }

  /** Whose leg, which channel, why it ended: what the kind alone does not say. */
  function detailOf(moment) {
    const parts = [parties[moment.role] ?? ""];
    if (moment.kind === "routed") return routed(moment);
    if (moment.kind === "way_failed") parts.push(words.link(`trunk:${moment.detail}`));
    if (moment.kind === "leg_created") parts.push(moment.detail);
    if (moment.kind === "placed") parts.push(moment.detail === "click_to_call" ? t("from the desk") : words.direction(moment.detail));
    if (moment.kind === "ended") parts.push(words.outcome(moment.detail));
    parts.push(causes.describe(moment));
    return parts.filter(Boolean).join(" · ");
  }

  function steps(call, timeline) {
    let before = call.started_at;
    return timeline.map((moment) => {
      const delta = moment.at - before;
      before = moment.at;
      return {
        root: { tone: tones[moment.kind] ?? "neutral" },
        at: format.exact(moment.at),
        what: kinds[moment.kind] ?? moment.kind,
        detail: detailOf(moment),
        delta: delta > 0 ? `+${format.precise(delta)}` : "",
      };
    });
  }

  return { ending, facts, leg, steps };
}
