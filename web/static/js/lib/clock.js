/**
 * The server's clock, so that timers are true on a machine whose own clock is wrong; one ticker for the page.
 * A message left the server at `as_of` and took some time to come: the largest offset seen is the nearest.
 */

const WINDOW = 30;

/** @param {number} serverNow epoch seconds at which the page was made */
export function makeClock(serverNow) {
  const samples = [serverNow - Date.now() / 1000];
  const listeners = new Set();
  let timer = 0;

  const now = () => Date.now() / 1000 + Math.max(...samples);

  function tick() {
    for (const listener of listeners) listener(now());
    // Just after the next whole second of the server, so that all timers turn together.
    timer = window.setTimeout(tick, 1000 - ((now() * 1000) % 1000) + 5);
  }

  return {
    now,
    /** @param {number} asOf */
    learn(asOf) {
      if (!Number.isFinite(asOf)) return;
      samples.push(asOf - Date.now() / 1000);
      if (samples.length > WINDOW) samples.shift();
    },
    /** @param {(now: number) => void} listener */
    onTick(listener) {
      listeners.add(listener);
      if (!timer) timer = window.setTimeout(tick, 0);
    },
  };
}
