/** Asterisk's configuration: one row of the stream moves the whole page, on every screen that shows it. */
import { makeConfigChanges } from "controllers/config-changes";
import { makeConfigHistory } from "controllers/config-history";
import { makeConfigRevision } from "controllers/config-revision";
import { makeConfigRun } from "controllers/config-run";
import { makeConfigStatus } from "controllers/config-status";
import { isRunning, isSettling } from "lib/config-run";
import { makeConfigWords } from "lib/config-words";

const TOPIC = "config";
const KEY = "state";

/** @param {import("lib/page").Page} page */
export function startConfig(page) {
  const { store, api, clock, toasts, t } = page;
  const words = makeConfigWords(t);
  const status = makeConfigStatus(page, words);
  const run = makeConfigRun(page, words);
  const changes = makeConfigChanges(page, words);
  const history = makeConfigHistory(page, words, makeConfigRevision(page, words));
  const check = /** @type {HTMLButtonElement} */ (document.getElementById("check"));
  const apply = /** @type {HTMLButtonElement} */ (document.getElementById("apply"));
  /** Why the last click came to nothing; until the next one. @type {{tone: string, title: string, text: string}|null} */
  let answer = null;
  let asking = false;

  function show() {
    const state = store.rows(TOPIC).get(KEY);
    if (!state) return;
    const settling = isSettling(state, clock.now());
    const busy = asking || settling || isRunning(state.run) || !state.configured;
    if (settling) window.setTimeout(show, 1000);
    status.show(state, answer);
    run.show(state.run);
    changes.follow(state);
    history.follow(state);
    check.disabled = busy;
    apply.disabled = busy || Boolean(state.problem) || state.changes === 0;
  }

  /** @param {any} problem */
  async function refused(problem) {
    if (problem.code === "config_changed") {
      await changes.load();
      answer = { tone: "warn", title: t("Something changed meanwhile: nothing was applied."), text: t("Below is the new list. Read it, then press Apply again.") };
    } else if (problem.code === "config_busy") {
      answer = { tone: "warn", title: t("Somebody is at it already."), text: problem.message };
    } else {
      toasts.failed(problem);
    }
  }

  /** @param {HTMLButtonElement} button @param {string} path @param {any} body */
  async function ask(button, path, body) {
    answer = null;
    asking = true;
    button.setAttribute("aria-busy", "true");
    show();
    try {
      await api.post(path, body);
    } catch (problem) {
      await refused(problem);
    } finally {
      asking = false;
      button.removeAttribute("aria-busy");
      show();
    }
  }

  async function read() {
    if (store.rows(TOPIC).has(KEY)) return;
    try {
      const state = await api.get("/api/config");
      if (!store.rows(TOPIC).has(KEY)) store.apply([[TOPIC, KEY, state]]);
    } catch (problem) {
      status.refuse(problem);
    }
  }

  check.addEventListener("click", () => ask(check, "/api/config/check", {}));
  apply.addEventListener("click", () => ask(apply, "/api/config/apply", { fingerprint: changes.fingerprint() }));
  store.watch([TOPIC], show);
  void read();
}
