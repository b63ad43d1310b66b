/** What the agent is told about a call of theirs: what to do now, and afterwards how it ended. */
import { formatNumber } from "lib/phone-number";

/** @param {import("lib/page").Page} page */
export function makeCallWords({ words, causes, format, t }) {
  const hints = {
    incoming: () => t("Incoming call: pick up your phone."),
    ringing_agent: () => t("Your phone rings: pick it up and the number is called."),
    dialing: () => t("The call is on its way to the network."),
    ringing: () => t("It rings at the other end."),
    talking: () => t("You are talking."),
    on_hold: () => t("The other party is on hold."),
  };

  function hint(call) {
    const waits = call.state !== "talking" && call.state !== "on_hold";
    return hints[call.direction === "inbound" && waits ? "incoming" : call.state]?.() ?? "";
  }

  function ending(call) {
    const why = call.outcome === "answered" ? "" : causes.describe(call);
    const talked = call.answered_at ? t("Talk time: %(time)s.", { time: format.duration(call.talk_seconds) }) : "";
    return [words.outcomeSentence(call.outcome), talked, why && t("Network: %(why)s.", { why })].filter(Boolean).join(" ");
  }

  return {
    /** @param {any} call */
    number: (call) => formatNumber(call.number) || t("Hidden number"),
    /** @param {any} call */
    sentence: (call) => (call.state === "ended" ? ending(call) : hint(call)),
    /** @param {any} call */
    ourNumber(call) {
      if (!call.our_number || call.direction === "internal") return "";
      const number = formatNumber(call.our_number);
      return call.direction === "inbound" ? t("Called on %(number)s", { number }) : t("Shown as %(number)s", { number });
    },
  };
}
