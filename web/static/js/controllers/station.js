/** On what an agent answers: the part of the user's form that is about the phone. */

/** @param {HTMLFormElement} form @param {import("lib/i18n").Translate} t */
export function makeStation(form, t) {
  const place = (id) => document.getElementById(id);
  const extension = /** @type {HTMLInputElement} */ (form.elements.namedItem("extension"));
  const mobile = /** @type {HTMLInputElement} */ (form.elements.namedItem("mobile"));
  const hints = {
    softphone: t("An application on the computer or the smartphone, over the site’s network."),
    browser: t("The page itself, with a headset: nothing to install."),
    mobile: t("An ordinary mobile: nothing to install, and calls to it are paid."),
  };
  const chosen = () => new FormData(form).get("station") ?? "softphone";

  function follow() {
    place("station").hidden = !extension.value.trim();
    place("station-mobile").hidden = chosen() !== "mobile";
    place("station-hint").textContent = hints[chosen()] ?? "";
  }

  for (const radio of form.querySelectorAll("[name=station]")) radio.addEventListener("change", follow);
  extension.addEventListener("input", follow);

  return {
    /** @param {any} user */
    show(user) {
      const radio = form.querySelector(`[name=station][value="${CSS.escape(user.station || "softphone")}"]`);
      if (radio) radio.checked = true;
      mobile.value = user.mobile ?? "";
      follow();
    },
    /** Without an extension there is no phone, so nothing is said of its kind. @param {Record<string, string>} values */
    body({ station = "softphone", mobile: number = "" }) {
      if (!extension.value.trim()) return { station: undefined, mobile: undefined };
      return { station, mobile: station === "mobile" ? number.trim() : "" };
    },
  };
}
