/**
 * Keeps the session's short cookie fresh, once for all the tabs of this browser: a refresh token shown twice
 * ends the session, so two tabs must never refresh at the same time.
 * @typedef {"fresh"|"ended"|"unreachable"} Freshness
 */

const STAMP = "ccs.refreshed";
const CLAIM = "ccs.refreshing";
const CLAIM_MS = 3000;
const SETTLE_MS = 60;
const SHARED_MS = 10_000;
const RENEW_MS = 8 * 60_000;
const CHECK_MS = 30_000;

const age = () => Date.now() - Number(localStorage.getItem(STAMP) ?? 0);
const pause = (ms) => new Promise((done) => { window.setTimeout(done, ms); });

/** Where the browser has no locks (plain http): the last tab to write its claim goes on, the others wait for it. */
async function byClaim(work) {
  const mine = `${Date.now()} ${Math.random()}`;
  const held = Number((localStorage.getItem(CLAIM) ?? "0").split(" ")[0]);
  if (Date.now() - held > CLAIM_MS) localStorage.setItem(CLAIM, mine);
  await pause(SETTLE_MS);
  if (localStorage.getItem(CLAIM) !== mine) await pause(CLAIM_MS);
  return work();
}

/** @param {() => Promise<Freshness>} work looks first whether another tab has done it */
function alone(work) {
  return navigator.locks ? navigator.locks.request("ccs-refresh", work) : byClaim(work);
}

/** Note that the cookies are new (login, refresh). */
export function stampSession() {
  localStorage.setItem(STAMP, String(Date.now()));
}

/** @param {(path: string) => Promise<Response>} post */
export function makeSession(post) {
  /** @type {Promise<Freshness>|null} */
  let running = null;

  async function renew() {
    if (age() < SHARED_MS) return "fresh";
    try {
      const response = await post("/api/auth/refresh");
      if (response.ok) stampSession();
      if (response.status === 401 || response.status === 403) return "ended";
      return response.ok ? "fresh" : "unreachable";
    } catch {
      return "unreachable";
    }
  }

  /** @returns {Promise<Freshness>} */
  function refresh() {
    running ??= alone(renew).finally(() => { running = null; });
    return running;
  }

  return {
    refresh,
    /** Renew before the cookie ends, as long as a page is open. */
    keep() {
      window.setInterval(() => { if (age() > RENEW_MS) void refresh(); }, CHECK_MS);
    },
  };
}
