/** Kinds of phones in the user's words. */

const ICONS = { softphone: "monitor", browser: "globe", mobile: "smartphone", physical: "phone" };
const STATE_TONES = { registered: "good", unreachable: "bad", unregistered: "warn", unknown: "neutral" };

/** @param {import("lib/i18n").Translate} t */
export function makePhoneWords(t) {
  const kinds = { softphone: t("Softphone"), browser: t("Browser"), mobile: t("Mobile"), physical: t("Desk phone") };
  const states = { registered: t("Connected"), unreachable: t("Unreachable"), unregistered: t("Not connected"), unknown: t("State unknown") };
  return {
    kind: (kind) => kinds[kind] ?? kind,
    icon: (kind) => ICONS[kind] ?? "phone",
    state: (state) => states[state] ?? states.unknown,
    tone: (state) => STATE_TONES[state] ?? "neutral",
  };
}
