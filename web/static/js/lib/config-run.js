/** What a run of the configuration (check, apply, rollback) has come to. */

const GOOD = new Set(["applied", "checked", "unchanged"]);

/** @typedef {{name: string, state: string, at: number|null, message: string}} Step */
/** @typedef {{ended_at: number|null, result: string, steps: Step[]}} Run */

/** @param {Run|null|undefined} run */
export function isRunning(run) {
  return Boolean(run) && !run.ended_at;
}

/** @param {Run} run @returns {"running"|"failed"|"done"} */
export function outcomeOf(run) {
  if (isRunning(run)) return "running";
  return GOOD.has(run.result) ? "done" : "failed";
}

/** Somebody went back to a former revision: what has changed since waits for Apply. @param {any} state a ConfigState */
export function isHeld({ held, mode, changes }) {
  return Boolean(held) && mode === "automatic" && changes > 0;
}

/** How long the server may take to count again what waits, after it has applied. */
const SETTLE_SECONDS = 4;

/** Applied, and the rest of the state is still the one before it. @param {any} state a ConfigState @param {number} now */
export function isSettling({ run, applied }, now) {
  return Boolean(run?.ended_at && run.revision) && run.result === "applied" && (applied?.revision ?? 0) < run.revision && now - run.ended_at < SETTLE_SECONDS;
}

/** The steps as they are told: once it is over nothing is still to come, and what it was killed in has failed. @param {Run} run @returns {Step[]} */
export function stepsOf(run) {
  if (isRunning(run)) return run.steps;
  const told = { pending: "skipped", running: "failed" };
  return run.steps.map((step) => ({ ...step, state: told[step.state] ?? step.state }));
}
