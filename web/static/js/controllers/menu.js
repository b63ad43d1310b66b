/** The account menu: language, appearance, log out. */
import { setAvatar } from "lib/render";
import { goToLogin } from "lib/page";

const YEAR_SECONDS = 31_536_000;

/** @param {string} name @param {string} value */
function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}

/** @param {import("lib/page").Page} page */
export function startMenu({ api, toasts }) {
  for (const element of document.querySelectorAll("[data-avatar]")) setAvatar(element, element.dataset.avatar);

  for (const radio of document.querySelectorAll("input[name=theme]")) {
    radio.addEventListener("change", () => {
      document.documentElement.dataset.theme = radio.value;
      remember("ccs_theme", radio.value);
    });
  }

  for (const radio of document.querySelectorAll("input[name=locale]")) {
    radio.addEventListener("change", async () => {
      try {
        await api.patch("/api/me", { locale: radio.value });
        location.reload();
      } catch (error) {
        toasts.failed(error);
      }
    });
  }

  document.getElementById("logout")?.addEventListener("click", async () => {
    try {
      await api.post("/api/auth/logout", {}, false);
    } finally {
      goToLogin("logged_out");
    }
  });
}
