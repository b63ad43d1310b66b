/** From the stream's rows to the fields of the partials, the same on every page. */
import { formatNumber } from "lib/phone-number";

/** Since when a call is in the state it is in. @param {any} call a CallRow */
export function stateSince(call) {
  if (call.state === "on_hold") return call.held_since ?? call.answered_at ?? call.started_at;
  if (call.state === "talking") return call.answered_at ?? call.started_at;
  if (call.state === "ringing") return call.ringing_at ?? call.started_at;
  return call.started_at;
}

/** @param {import("lib/page").Page} page */
export function makeRows({ words, format, clock, t }) {
  /** @param {any} agent an AgentRow */
  function agent(agent) {
    const absent = !["registered", "mobile"].includes(agent.phone) && agent.state !== "offline" && Boolean(agent.extension);
    const reason = agent.state === "paused" && agent.reason ? words.reason(agent.reason) : "";
    return {
      root: { tone: words.agentTone(agent.state) },
      avatar: { avatar: agent.name },
      name: { text: agent.name, title: agent.name },
      state: { text: reason || words.agentState(agent.state), tone: words.agentTone(agent.state), title: words.agentState(agent.state) },
      place: { text: [agent.site, agent.extension].filter(Boolean).join(" · "), hidden: absent },
      phone: { hidden: !absent, title: words.phone(agent.phone) },
      phone_text: words.phoneShort(agent.phone),
      since: { since: agent.since },
      seen: { seen: agent.as_of },
    };
  }

  /** @param {any} call a CallRow in progress */
  function call(call) {
    const direction = words.direction(call.direction);
    return {
      direction: { icon: words.callIcon(call), label: direction, title: direction },
      agent: call.agent || formatNumber(call.party) || t("Nobody yet"),
      place: { text: call.site && ` · ${call.site}`, title: call.trunk },
      number: formatNumber(call.number) || t("Hidden number"),
      state: { text: words.callState(call.state), tone: words.callTone(call.state) },
      since: { since: stateSince(call) },
      seen: { seen: call.as_of },
    };
  }

  /** @param {any} call a CallRow that ended, or not yet */
  function history(call) {
    const direction = words.direction(call.direction);
    const running = call.state !== "ended" && !call.ended_at;
    return {
      at: { text: format.moment(call.started_at, clock.now()), title: `${format.date(call.started_at)} ${format.time(call.started_at)}` },
      direction: { icon: words.callIcon(call), label: direction, title: direction, tone: call.outcome === "missed" ? "bad" : "neutral" },
      number: formatNumber(call.number) || t("Hidden number"),
      agent: call.agent || formatNumber(call.party),
      site: call.site,
      outcome: running
        ? { text: words.callState(call.state), tone: words.callTone(call.state) }
        : { text: words.outcome(call.outcome), tone: words.outcomeTone(call.outcome) },
      sentence: running ? words.callState(call.state) : words.outcome(call.outcome),
      duration: running && call.answered_at
        ? { since: call.answered_at }
        : { since: null, text: call.answered_at ? format.duration(call.talk_seconds) : "–" },
    };
  }

  return { agent, call, history };
}
