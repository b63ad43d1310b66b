/** The check, application or rollback that runs, as it goes; afterwards how it ended, in Asterisk's own words. */
import { failureOf, makeSteps } from "controllers/config-steps";
import { isRunning, outcomeOf, stepsOf } from "lib/config-run";
import { fill } from "lib/render";

/** A success of a while ago is for the history alone. */
const FRESH_SECONDS = 600;

/** @param {import("lib/page").Page} page @param {import("controllers/config-steps").Words} words */
export function makeConfigRun(page, words) {
  const { format, clock, t } = page;
  const card = document.getElementById("run");
  const said = document.getElementById("run-words");
  const list = makeSteps(page, words, document.getElementById("run-steps"), "run-step");

  const isShown = (run) => isRunning(run) || outcomeOf(run) === "failed" || clock.now() - run.ended_at < FRESH_SECONDS;

  /** @param {any} said a run or a step */
  const tell = (said) => words.quoted(said.words, said.message);

  /** What became of the files after a failure. @param {any} run */
  function undone(run) {
    const undo = run.steps.find(({ name }) => name === "roll_back");
    if (outcomeOf(run) !== "failed") return "";
    if (!undo) return t("Nothing was touched: Asterisk runs on as before.");
    if (undo.state === "done") return t("Everything was undone: Asterisk runs on the former files.");
    if (undo.state === "failed") return t("Undoing failed as well: look at Asterisk now. Its former files are kept beside the others.");
    return t("Undoing what was begun…");
  }

  /** @param {any} run a ConfigRun */
  function show(run) {
    card.hidden = !run || !isShown(run);
    if (card.hidden) return;
    const outcome = outcomeOf(run);
    const steps = stepsOf(run);
    const failure = failureOf(steps);
    const result = outcome === "running" ? "running" : run.result;
    fill(card, {
      title: words.action(run.action),
      result: { text: words.result(result), tone: words.resultTone(result) },
      when: run.ended_at ? t("%(who)s, at %(time)s, in %(seconds)s", { who: run.who, time: format.time(run.started_at), seconds: format.precise(run.ended_at - run.started_at) })
        : t("%(who)s, at %(time)s", { who: run.who, time: format.time(run.started_at) }),
      undone: { text: undone(run), hidden: outcome !== "failed" },
    });
    card.dataset.outcome = outcome;
    list.show(steps);
    // A success has nothing to say that its steps have not said.
    const lines = outcome === "done" ? [] : [failure && tell(failure), failure && isRunning(run) ? "" : tell(run)].filter(Boolean);
    said.hidden = !lines.length;
    fill(said, { heading: failure ? t("“%(step)s” failed:", { step: words.step(failure.name) }) : t("Result"), text: [...new Set(lines)].join("\n") });
  }

  return { show };
}
