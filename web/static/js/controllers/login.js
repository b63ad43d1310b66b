/** Logging in; says why the last session ended. */
import { onSubmit } from "lib/form";
import { fill } from "lib/render";
import { stampSession } from "lib/session";

const RESUMED = "ccs.resumed";
const ONCE_MS = 20_000;

/** Only a path of this site may follow a login. @param {string|null} next */
function safeNext(next) {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

/** @param {import("lib/page").Page} page */
export function startLogin({ api, t }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("login-form"));
  const query = new URLSearchParams(location.search);
  const reasons = {
    replaced: t("You have logged in from another page or machine, so this one was logged out."),
    session_replaced: t("You have logged in from another page or machine, so this one was logged out."),
    session_expired: t("Your session has ended. Log in again to go on."),
    session_ended: t("Your session has ended. Log in again to go on."),
    token_reused: t("Your session was ended for your safety. Log in again."),
    role_changed: t("Your rights have changed. Log in again."),
    signed_out: t("You are logged out."),
    deactivated: t("This account has been deactivated."),
    password_changed: t("Your password has been changed. Log in with the new one."),
    password_reset: t("Your password has been reset. Log in with the new one."),
    logged_out: t("You are logged out."),
  };
  const code = query.get("reason") ?? "";
  if (code) {
    const banner = document.getElementById("reason");
    fill(banner, { text: reasons[code] ?? t("Your session has ended. Log in again to go on.") });
    banner.hidden = false;
  }

  onSubmit(form, async ({ login, password }) => {
    const answer = await api.post("/api/auth/login", { login: login.trim(), password }, false);
    stampSession();
    location.assign(answer.user?.must_change_password ? "/password" : safeNext(query.get("next")));
  });
  form.elements.namedItem("login").focus();
}

/** The short cookie may have ended while nobody looked: a session that still lives needs no form. */
export async function resume({ api }) {
  const query = new URLSearchParams(location.search);
  const mayLive = ["", "session_expired", "unauthenticated"].includes(query.get("reason") ?? "");
  if (!mayLive || !document.cookie.includes("ccs_csrf=")) return;
  // Sent back here right after: going on once more would be for ever.
  if (Date.now() - Number(sessionStorage.getItem(RESUMED) ?? 0) < ONCE_MS) return;
  sessionStorage.setItem(RESUMED, String(Date.now()));
  if ((await api.session.refresh()) === "fresh") location.replace(safeNext(query.get("next")));
}
