/** What a run of the configuration (check, apply, rollback) has come to. */

/** @param {{ended_at: number|null}|null|undefined} run */
export function isRunning(run) {
  return Boolean(run) && !run.ended_at;
}

/** @param {{ended_at: number|null, result: string, steps: {state: string}[]}} run @returns {"running"|"failed"|"done"} */
export function outcomeOf(run) {
  if (isRunning(run)) return "running";
  return run.steps.some(({ state }) => state === "failed") ? "failed" : "done";
}
