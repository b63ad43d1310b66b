/** How many numbers sites and schedules have: there may be thousands, so they are counted where they are. */

/** Changes come in flocks (a range of numbers): ask once for all of them. */
const TOGETHER_MS = 60;
/** After a failure they are asked for again by themselves; the lists beside have said it. */
const AGAIN_MS = 5000;

/** @param {import("lib/page").Page} page @param {() => void} changed */
export function makeDidCounts({ api, store }, changed) {
  let counts = { sites: {}, schedules: {} };
  let told = false;
  let asked = 0;
  let timer = 0;

  async function read() {
    const mine = ++asked;
    try {
      const answer = await api.get("/api/did-counts");
      if (mine !== asked) return;
      counts = answer;
    } catch {
      if (mine === asked) soon(AGAIN_MS);
    }
    told = true;
    changed();
  }

  function soon(delay = TOGETHER_MS) {
    clearTimeout(timer);
    timer = window.setTimeout(read, delay);
  }

  store.follow("sites", (changes) => { if (changes.some(([key]) => key.startsWith("did:"))) soon(); });
  store.onReload("sites", () => soon());
  soon();

  return {
    /** Whether the first answer is here, or could not be had: before it, nothing can be said to have no number. */
    told: () => told,
    /** @param {string} id @returns {number} */ ofSite: (id) => counts.sites[id] ?? 0,
    /** @param {string} id @returns {number} */ ofSchedule: (id) => counts.schedules[id] ?? 0,
  };
}
