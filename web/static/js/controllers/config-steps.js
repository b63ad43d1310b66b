/** The steps of a run, live or from the history, and what the failed one said. */
import { makeKeyedList } from "lib/keyed-list";
import { setAttribute } from "lib/render";

/** Steps that say of what: files, modules. What the others say is for those who look into a failure, and has a place of its own. */
const NAMING = new Set(["install", "reload"]);

/** @param {import("lib/page").Page} page @param {Words} words @param {HTMLElement} container @param {string} prefix */
export function makeSteps({ format }, words, container, prefix) {
  const list = makeKeyedList({
    container, template: "tpl-run-step", prefix,
    fields: (step) => ({
      root: { tone: words.stepTone(step.state) },
      mark: { icon: words.stepIcon(step.state) },
      name: words.step(step.name),
      state: { text: words.stepState(step.state), title: step.at ? format.time(step.at) : "" },
      hint: (NAMING.has(step.name) && step.state === "done" && words.plain(step.words, step.message)) || words.stepHint(step.name),
    }),
    after: (element, step) => {
      element.dataset.state = step.state;
      setAttribute(element, "aria-current", step.state === "running" ? "step" : null);
    },
  });
  return { /** @param {any[]} steps */ show: (steps) => list.show(steps.map((step) => [step.name, step])) };
}

/** The words of the step that failed first, in the order of the run. @param {any[]} steps */
export function failureOf(steps) {
  return steps.find(({ state }) => state === "failed");
}

/** @typedef {ReturnType<typeof import("lib/config-words").makeConfigWords>} Words */
