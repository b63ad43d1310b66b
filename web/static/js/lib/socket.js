/**
 * The live stream's client (docs/live-stream.md): one socket that keeps a store true, or says that it cannot.
 *
 * Every frame names the one it follows; a frame that does not follow ours is a gap, and a gap is healed by
 * subscribing again with the last place that we are sure of.
 * @typedef {"connecting"|"live"|"reconnecting"|"closed"} LinkState
 */

const RECONNECT_SECONDS = [0.5, 1, 2, 4, 8];
const SILENCE_SECONDS = 11;
const UNAUTHORISED = new Set([4001]);

/**
 * @param {object} options
 * @param {string} options.url
 * @param {string[]} options.topics
 * @param {ReturnType<import("lib/store").makeStore>} options.store
 * @param {ReturnType<import("lib/clock").makeClock>} options.clock
 * @param {(code: string) => void} options.onBye
 * @param {() => Promise<import("lib/session").Freshness>} options.refresh asks for a new session cookie
 */
export function makeSocket({ url, topics, store, clock, onBye, refresh }) {
  /** @type {WebSocket|null} */
  let socket = null;
  let attempt = 0;
  let retry = 0;
  let watchdog = 0;
  let silence = SILENCE_SECONDS;
  let place = { epoch: null, seq: null };
  let goodbye = false;
  const listeners = new Set();
  const status = { state: /** @type {LinkState} */ ("connecting"), blindSince: null, lastSeen: null, lostAt: null, gaps: 0, connects: 0 };

  function say(change) {
    Object.assign(status, change);
    for (const listener of listeners) listener(status);
  }

  function subscribe() {
    socket.send(JSON.stringify({ type: "subscribe", topics, ...place }));
  }

  function heard(asOf) {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(() => drop(), silence * 1000);
    clock.learn(asOf);
    status.lastSeen = asOf ?? clock.now();
  }

  /** A socket that says nothing is dead whatever the browser believes: its close event may take minutes. */
  function drop() {
    const old = socket;
    socket = null;
    old?.close();
    again();
  }

  function again() {
    clearTimeout(watchdog);
    clearTimeout(retry);
    if (goodbye) return;
    const base = RECONNECT_SECONDS[Math.min(attempt, RECONNECT_SECONDS.length - 1)];
    attempt += 1;
    say({ state: "reconnecting", lostAt: status.lostAt ?? clock.now() });
    retry = window.setTimeout(open, base * (0.75 + Math.random() * 0.5) * 1000);
  }

  const on = {
    hello(message) {
      // Two signs of life missed: the connection is dead (docs/live-stream.md).
      silence = message.heartbeat * 2 + 1;
    },
    snapshot(message) {
      place = { epoch: message.epoch, seq: message.seq };
      attempt = 0;
      store.load({ ...Object.fromEntries(topics.map((topic) => [topic, {}])), ...message.topics });
      say({ state: "live", lostAt: null, blindSince: message.blind_since ?? null });
    },
    delta(message) {
      if (message.epoch !== place.epoch || message.prev !== place.seq) return gap();
      place.seq = message.seq;
      attempt = 0;
      store.apply(message.changes);
      if (status.state !== "live") say({ state: "live", lostAt: null });
    },
    heartbeat(message) {
      if (message.seq !== undefined && place.seq !== null && message.seq !== place.seq) gap();
      else if (place.seq !== null && status.state !== "live") say({ state: "live", lostAt: null });
    },
    blind(message) {
      say({ blindSince: message.since ?? null });
    },
    bye(message) {
      goodbye = true;
      say({ state: "closed" });
      onBye(message.code);
    },
  };

  function gap() {
    say({ gaps: status.gaps + 1 });
    subscribe();
  }

  function open() {
    clearTimeout(retry);
    if (goodbye || socket) return;
    const mine = new WebSocket(url);
    socket = mine;
    heard(undefined);
    mine.onopen = () => { status.connects += 1; subscribe(); };
    mine.onmessage = (event) => {
      if (mine !== socket) return;
      const message = JSON.parse(event.data);
      heard(message.as_of);
      on[message.type]?.(message);
    };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      socket = null;
      if (goodbye) return;
      again();
      // Refused before it opened, or cut for its session: perhaps only the short cookie is too old.
      if (UNAUTHORISED.has(event.code) || attempt > 2) void refresh().then((result) => result === "ended" && on.bye({ code: "session_expired" }));
    };
  }

  /** The machine woke up, or the network came back: do not wait for the delay. */
  function hurry() {
    if (document.visibilityState === "visible" && !socket) open();
  }

  return {
    status,
    /** @param {(s: typeof status) => void} listener */
    onStatus(listener) { listeners.add(listener); listener(status); },
    start() {
      document.addEventListener("visibilitychange", hurry);
      window.addEventListener("online", hurry);
      window.addEventListener("offline", drop);
      open();
    },
  };
}
