/** Codes of the live rows in the user's words (domain/board.py lists them). */

/** @typedef {import("lib/i18n").Translate} Translate */

export const OUTCOMES = [
  "answered", "no_answer", "busy", "cancelled", "missed", "closed", "voicemail", "agent_no_answer",
  "agent_unreachable", "agent_busy", "trunk_down", "rejected", "not_allowed", "invalid_number", "failed", "interrupted",
];

const AGENT_TONES = {
  available: "available", paused: "paused", ringing: "ringing", dialing: "ringing", on_call: "talking",
  on_hold: "hold", wrap_up: "wrapup", offline: "offline",
};
const CALL_TONES = { ringing_agent: "ringing", dialing: "ringing", ringing: "ringing", talking: "talking", on_hold: "hold", voicemail: "talking", ended: "neutral" };
const OUTCOME_TONES = { answered: "good", no_answer: "warn", busy: "warn", cancelled: "neutral", missed: "bad", closed: "neutral", voicemail: "warn", not_allowed: "neutral", agent_no_answer: "warn", agent_busy: "warn", interrupted: "bad" };
const DIRECTION_ICONS = { inbound: "phone-incoming", outbound: "phone-outgoing", internal: "arrow-left-right" };

/** Phones that cannot be rung: who has one is not available, whatever he chose. */
const LOST_PHONES = ["unreachable", "unregistered"];

/** The board's group of an agent. @param {{state: string, phone: string}} agent */
export function groupOf({ state, phone }) {
  return state === "available" && LOST_PHONES.includes(phone) ? "offline" : GROUPS[state];
}

/** Groups of the board's counts. */
const GROUPS = { available: "available", on_call: "talking", on_hold: "talking", ringing: "ringing", dialing: "ringing", paused: "paused", wrap_up: "wrapup", offline: "offline" };

/** @param {Translate} t */
function tables(t) {
  return {
    agent: {
      offline: t("Offline"), available: t("Available"), paused: t("Paused"), ringing: t("Ringing"), dialing: t("Dialling"),
      on_call: t("On a call"), on_hold: t("On hold"), wrap_up: t("Wrap-up"),
    },
    reason: { break: t("Break"), lunch: t("Lunch"), training: t("Training"), meeting: t("Meeting"), back_office: t("Back office"), other: t("Other") },
    call: {
      ringing_agent: t("Agent’s phone rings"), dialing: t("Routing"), ringing: t("Ringing"), talking: t("Talking"),
      on_hold: t("On hold"), voicemail: t("Voicemail"), ended: t("Ended"),
    },
    direction: { inbound: t("Inbound"), outbound: t("Outbound"), internal: t("Internal") },
    phone: {
      registered: t("Phone connected"), unreachable: t("Phone does not answer"), unregistered: t("Phone not connected"),
      unknown: t("Phone state unknown"), mobile: t("Works on a mobile"),
    },
    phoneShort: { unreachable: t("Unreachable"), unregistered: t("Not connected"), unknown: t("State unknown") },
    linkShort: { ami: "AMI", ari: "ARI", postgresql: t("Database"), bus: t("Bus"), journal: t("Journal"), owner: t("Telephony") },
    role: { AGENT: t("Agent"), SUPERVISOR: t("Supervisor"), ADMIN: t("Administrator"), SUPER_ADMIN: t("Super administrator") },
    outcome: {
      answered: t("Answered"), no_answer: t("No answer"), busy: t("Busy"), cancelled: t("Cancelled"), missed: t("Missed"),
      closed: t("Outside hours"), voicemail: t("Voicemail"), not_allowed: t("Number not allowed"),
      agent_no_answer: t("Agent did not pick up"), agent_unreachable: t("Agent’s phone unreachable"), agent_busy: t("Agent’s phone busy"),
      trunk_down: t("Trunk down"), rejected: t("Refused"), invalid_number: t("Invalid number"), failed: t("Failed"),
      interrupted: t("Interrupted"),
    },
    link: { ami: t("Telephony (AMI)"), ari: t("Telephony (ARI)"), postgresql: t("Database"), bus: t("Message bus"), journal: t("Call journal"), owner: t("Telephony server") },
  };
}

/** What happened, in a sentence. @param {Translate} t */
function sentences(t) {
  return {
    answered: t("The call was answered."),
    no_answer: t("The number rang, nobody picked up."),
    busy: t("The line called was busy."),
    cancelled: t("The call was cancelled before anybody answered."),
    missed: t("The caller hung up before anybody answered."),
    closed: t("The call came outside opening hours."),
    voicemail: t("The caller was sent to the voicemail."),
    not_allowed: t("The rules of the site do not allow calls to this number."),
    agent_no_answer: t("The agent’s phone rang and was not picked up, so the number was not called."),
    agent_unreachable: t("The agent’s phone is not connected or does not answer the network. Check that it is switched on."),
    agent_busy: t("The agent’s phone was already busy or refused the call."),
    trunk_down: t("The site’s trunk is down: no call can leave or come in until it is back."),
    rejected: t("The number called, or its network, refused the call."),
    invalid_number: t("The network does not know this number."),
    failed: t("The call failed for a technical reason."),
    interrupted: t("The call was cut by an incident of the telephony."),
  };
}

/** @param {Translate} t */
export function makeWords(t) {
  const words = tables(t);
  const said = sentences(t);
  const of = (table) => (code) => words[table][code] ?? code;
  return {
    agentState: of("agent"), reason: of("reason"), callState: of("call"), direction: of("direction"),
    phone: of("phone"), phoneShort: of("phoneShort"), role: of("role"), outcome: of("outcome"),
    /** @param {string} code */
    outcomeSentence: (code) => said[code] ?? t("The call ended."),
    /** @param {string} id of a link: a part's name, trunk:<slug> or site:<slug> */
    link(id) {
      const [kind, name] = id.split(":");
      if (kind === "trunk") return t("Trunk %(name)s", { name });
      return kind === "site" ? t("Site %(name)s", { name }) : of("link")(id);
    },
    linkShort(id) {
      const [kind, name] = id.split(":");
      if (kind === "trunk") return name;
      return kind === "site" ? t("Site %(name)s", { name }) : of("linkShort")(id);
    },
    agentTone: (state) => AGENT_TONES[state] ?? "neutral",
    callTone: (state) => CALL_TONES[state] ?? "neutral",
    outcomeTone: (outcome) => OUTCOME_TONES[outcome] ?? "bad",
    /** @param {{direction: string, outcome: string}} call */
    callIcon: (call) => (call.outcome === "missed" ? "phone-missed" : DIRECTION_ICONS[call.direction] ?? "phone"),
  };
}
