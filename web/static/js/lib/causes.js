/** Why a call ended, in words: Q.850 causes as Asterisk gives them, and the SIP status of the failing leg. */

/** @param {import("lib/i18n").Translate} t @returns {Record<number, string>} */
function q850(t) {
  return {
    1: t("number not assigned"),
    2: t("no route to this network"),
    3: t("no route to this number"),
    16: t("normal end"),
    17: t("line busy"),
    18: t("no reply from the phone"),
    19: t("rang without an answer"),
    20: t("subscriber absent"),
    21: t("call refused"),
    22: t("number changed"),
    26: t("answered elsewhere"),
    27: t("destination out of order"),
    28: t("incomplete number"),
    29: t("service refused by the network"),
    31: t("normal end, unspecified"),
    34: t("no free line"),
    38: t("network out of order"),
    41: t("temporary failure of the network"),
    42: t("network congested"),
    44: t("line not available"),
    50: t("service not subscribed"),
    57: t("call not allowed"),
    58: t("service not available now"),
    65: t("service not supported"),
    79: t("service not implemented"),
    88: t("incompatible destination"),
    102: t("the network did not answer in time"),
    111: t("protocol error"),
    127: t("unspecified problem between networks"),
  };
}

/** @param {import("lib/i18n").Translate} t */
export function makeCauses(t) {
  const words = q850(t);
  return {
    /**
     * @param {{cause: number|null, sip: number|null}} call
     * @returns {string} "" when nothing is known
     */
    describe({ cause, sip }) {
      const parts = [];
      if (cause) parts.push(words[cause] ? t("%(words)s (cause %(cause)s)", { words: words[cause], cause }) : t("cause %(cause)s", { cause }));
      if (sip && sip >= 300) parts.push(t("SIP %(status)s", { status: sip }));
      return parts.join(", ");
    },
  };
}
