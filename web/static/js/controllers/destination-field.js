/** Where callers of a number go: an agent, a phone, a number outside, voicemail, or a message. */
import { formatNumber } from "lib/phone-number";

/** A destination in words. @param {import("controllers/admin-data").AdminData} data @param {import("lib/i18n").Translate} t */
export function makeDestinationWords(data, t) {
  return (destination) => {
    const { target, user_id: user, phone_id: phone, forward_to: number } = destination ?? { target: "none" };
    if (target === "agent") {
      const found = data.rows("phone").find((row) => row.user_id === user);
      return found ? `${found.user || t("Agent")} (${found.extension})` : t("An agent without a phone");
    }
    if (target === "phone") {
      const found = data.find("phone", phone);
      return found ? `${found.label || t("Phone")} (${found.extension})` : t("A phone");
    }
    if (target === "number") return formatNumber(number);
    return target === "voicemail" ? t("Voicemail") : t("Nobody (message)");
  };
}

/**
 * @param {HTMLElement} root made by the macro destination
 * @param {import("controllers/admin-data").AdminData} data
 * @param {() => string} siteId whose phones are offered first
 * @param {import("lib/i18n").Translate} t
 */
export function makeDestinationField(root, data, siteId, t) {
  const name = root.dataset.destination;
  const control = (part) => /** @type {HTMLSelectElement|HTMLInputElement} */ (root.querySelector(`[name="${name}.${part}"]`));

  function show() {
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-for]"))) part.hidden = part.dataset.for !== control("target").value;
  }

  /** Those of the site first, then each other site's. @param {HTMLSelectElement} select @param {[string, string, string][]} choices id, words, site */
  function offer(select, choices, blank) {
    const sites = [...new Set(choices.map(([, , site]) => site))].sort((a, b) => Number(b === siteId()) - Number(a === siteId()));
    const groups = sites.map((site) => {
      const group = document.createElement("optgroup");
      group.label = data.find("site", site)?.name ?? t("Without a site");
      group.append(...choices.filter(([, , other]) => other === site).map(([id, words]) => new Option(words, id)));
      return group;
    });
    select.replaceChildren(new Option(blank, ""), ...groups);
  }

  function offerAll() {
    const rows = [...data.rows("phone")].sort((a, b) => (a.user || a.label || "").localeCompare(b.user || b.label || ""));
    offer(control("user_id"), rows.filter((row) => row.user_id).map((row) => [row.user_id, `${row.user || t("Agent")} (${row.extension})`, row.site_id ?? ""]), t("Choose an agent…"));
    offer(control("phone_id"), rows.filter((row) => row.kind === "physical").map((row) => [row.id, `${row.label || t("Phone")} (${row.extension})`, row.site_id ?? ""]), t("Choose a phone…"));
  }

  root.addEventListener("change", (event) => {
    if (event.target !== control("target")) return;
    show();
    root.querySelector(`[data-for="${control("target").value}"]`)?.focus();
  });

  return {
    /** @param {any} destination */
    set(destination) {
      const { target = "none", user_id: user, phone_id: phone, forward_to: number } = destination ?? {};
      offerAll();
      control("target").value = target;
      for (const [part, value] of [["user_id", user], ["phone_id", phone]]) {
        const select = /** @type {HTMLSelectElement} */ (control(part));
        // Somebody whose phone is gone is kept until another is chosen.
        if (value && ![...select.options].some((option) => option.value === value)) select.append(new Option(t("An agent without a phone"), value));
        select.value = value ?? "";
      }
      control("forward_to").value = formatNumber(number ?? "");
      show();
    },
    get() {
      const target = control("target").value;
      return {
        target, user_id: target === "agent" ? control("user_id").value || null : null, phone_id: target === "phone" ? control("phone_id").value || null : null,
        forward_to: target === "number" ? control("forward_to").value.trim() : "",
      };
    },
  };
}
