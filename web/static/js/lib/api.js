/**
 * The JSON API for a page: CSRF header, problem documents as errors, one silent refresh of the session.
 */
import { makeSession } from "lib/session";

/** What went wrong, in the user's words. */
export class Problem extends Error {
  /** @param {{status?: number, code?: string, title?: string, detail?: string, errors?: {field: string, code: string, message: string}[], who?: string, who_id?: string|null, at?: number|null, row?: any}} body */
  constructor(body) {
    super(body.detail || body.title || body.code);
    this.status = body.status ?? 0;
    this.code = body.code ?? "unreachable";
    /** @type {{field: string, code: string, message: string}[]} */
    this.errors = body.errors ?? [];
    // Of a record that somebody changed meanwhile (412): who, when, and what it is now.
    this.who = body.who ?? "";
    this.who_id = body.who_id ?? null;
    this.at = body.at ?? null;
    this.row = body.row ?? null;
  }
}

/** @param {string} name */
function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/**
 * @param {string} method @param {string} path @param {any} [body] JSON, or a Blob that is sent as it is under its own type
 * @param {string} [version] of the record that is meant; the server refuses when it is another one by now
 */
function send(method, path, body, version) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang, "X-CSRF-Token": cookie("ccs_csrf") };
  if (version) headers["If-Match"] = `"${version}"`;
  const raw = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = raw ? body.type : "application/json";
  return fetch(path, {
    method, headers, credentials: "same-origin", body: raw || body === undefined ? body : JSON.stringify(body),
    // A refresh outlives its page: its answer holds the only token that is still good.
    keepalive: path === "/api/auth/refresh",
  });
}

/** @param {{t: import("lib/i18n").Translate, onLoggedOut: (code: string) => void}} options */
export function makeApi({ t, onLoggedOut }) {
  const session = makeSession((path) => send("POST", path, {}));

  async function attempt(method, path, body, version) {
    try {
      return await send(method, path, body, version);
    } catch {
      throw new Problem({ detail: t("The server cannot be reached. Try again in a moment.") });
    }
  }

  /** The request once more in a renewed session. A server that can renew none now has not ended it. */
  async function renewed(refused, again) {
    const freshness = await session.refresh();
    if (freshness === "unreachable") {
      throw new Problem({ status: 503, code: "not_renewed", detail: t("The server cannot confirm your session at the moment. This page stays open; try again in a moment.") });
    }
    return freshness === "fresh" ? again() : refused;
  }

  /** @param {string} method @param {string} path @param {any} [body] @param {boolean} [inSession] false: a 401 is an answer like any other @param {string} [version] */
  async function request(method, path, body, inSession = true, version = "") {
    let response = await attempt(method, path, body, version);
    if (response.status === 401 && inSession) response = await renewed(response, () => attempt(method, path, body, version));
    const answer = response.status === 204 ? null : await response.json().catch(() => ({}));
    if (response.status === 401 && inSession) onLoggedOut(answer.code ?? "");
    if (!response.ok) throw new Problem({ status: response.status, detail: t("The server answered with an error."), ...answer });
    return answer;
  }

  return {
    session,
    get: (path) => request("GET", path),
    post: (path, body = {}, inSession = true) => request("POST", path, body, inSession),
    /** @param {string} path @param {any} body @param {string} [version] */ patch: (path, body, version) => request("PATCH", path, body, true, version),
    /** @param {string} path @param {any} body @param {string} [version] */ put: (path, body, version) => request("PUT", path, body, true, version),
    /** @param {string} path @param {string} [version] */ del: (path, version) => request("DELETE", path, undefined, true, version),
  };
}
