/** The head of the page: what Asterisk runs on, what waits, what an administrator must know, Check and Apply. */
import { isHeld, isRunning, isSettling } from "lib/config-run";
import { fill, fromTemplate } from "lib/render";

/** @param {import("lib/page").Page} page @param {import("controllers/config-steps").Words} words */
export function makeConfigStatus({ format, clock, t, tn }, words) {
  const place = (id) => document.getElementById(id);
  const card = place("status");
  const main = card.querySelector(".status-main");

  function applied({ applied: last }) {
    if (!last) return t("Nothing was applied by ccserver yet.");
    return t("Asterisk runs on revision %(revision)s, applied by %(who)s, %(when)s.", { revision: last.revision, who: last.who, when: format.moment(last.at, clock.now()) });
  }

  function working({ run }) {
    const step = run.steps.find(({ state }) => state === "running");
    const titles = { check: t("Checking…"), apply: t("Applying…"), rollback: t("Coming back to a former revision…") };
    return { tone: "talking", icon: "loader-circle", title: titles[run.action], text: `${words.step(step?.name ?? run.step)} – ${run.who}`, busy: true };
  }

  /** @param {any} state a ConfigState */
  function told(state) {
    if (isRunning(state.run) || isSettling(state, clock.now())) return working(state);
    if (!state.configured && state.blind) return { tone: "neutral", icon: "eye-off", title: t("Asterisk’s configuration is not known now"), text: t("The telephony server has told nothing yet.") };
    if (!state.configured) return { tone: "neutral", icon: "circle-dashed", title: t("This Asterisk is not configured by ccserver"), text: t("Its files are somebody else’s, and are left alone. docs/operations.md says how to hand them over.") };
    if (state.problem) return { tone: "bad", icon: "circle-x", title: t("Nothing can be applied"), text: words.quoted(state.problem_words, state.problem) };
    const n = state.changes;
    if (n) return { tone: "warn", icon: "triangle-alert", title: tn("%(n)s change not applied", "%(n)s changes not applied", n), text: applied(state) };
    return { tone: "good", icon: "circle-check", title: t("Up to date"), text: applied(state) };
  }

  /** What came of applying by itself, when it came to nothing. @param {any} state */
  function stuck(state) {
    if (!state.stuck || isRunning(state.run)) return null;
    if (!state.retry_at) return { tone: "bad", title: t("What waits was refused."), text: t("Applied by itself it would be refused again: it is tried again when something has been changed, or when Apply is pressed.") };
    const time = format.time(state.retry_at);
    return { tone: "warn", title: t("It could not be done just now."), text: t("What was in the way may pass: ccserver tries again by itself at %(time)s, and then ever more seldom.", { time }) };
  }

  /** @param {any} state @returns {{tone: string, title: string, text: string, list?: string[]}[]} */
  function warnings(state) {
    return [
      state.blind && state.configured && { tone: "bad", title: t("Asterisk is not seen now."), text: t("Whether it runs on these files is not known until it is seen again.") },
      isHeld(state) && { tone: "warn", title: t("Automatic application is held."), text: t("Somebody came back to a former revision: nothing is applied by itself until Apply is pressed, or nothing differs any more.") },
      stuck(state),
      state.restart_needed?.length && {
        tone: "warn", title: t("Asterisk must be restarted."), list: state.restart_needed,
        text: t("It reads these files only when it starts. At a quiet hour: “asterisk -rx 'core restart gracefully'”, which waits for the calls to end."),
      },
      state.edited?.length && { tone: "warn", title: t("Edited by hand:"), text: t("the next application overwrites these files. Put what is yours into the .d folders beside them."), list: state.edited },
      state.left_out?.length && { tone: "warn", title: t("Left out of Asterisk:"), text: t("these cannot work until they are put right."), list: words.quoted(state.left_out_words, state.left_out.join("\n")).split("\n") },
    ].filter(Boolean);
  }

  function noteElement({ tone, title, text, list = [] }) {
    const note = fromTemplate("tpl-note");
    fill(note, { root: { tone }, title, text });
    const items = note.querySelector("[data-field=list]");
    items.append(...list.map((item) => Object.assign(document.createElement("li"), { textContent: item })));
    items.hidden = list.length === 0;
    return note;
  }

  /** @param {any} state @param {{tone: string, title: string, text: string}|null} answer why the last click came to nothing */
  function show(state, answer) {
    const { tone, icon, title, text, busy = false } = told(state);
    card.dataset.tone = tone;
    card.toggleAttribute("data-busy", busy);
    fill(main, { mark: { icon }, title, text });
    const automatic = state.mode === "automatic" && !isHeld(state);
    place("config-mode").textContent = automatic ? t("Applied by itself after each change") : t("Applied when an administrator says so");
    place("answer").replaceChildren(...[answer].filter(Boolean).map(noteElement));
    place("notes").replaceChildren(...warnings(state).map(noteElement));
  }

  return {
    show,
    /** @param {any} problem the API's, when even the state cannot be read */
    refuse(problem) {
      card.dataset.tone = "bad";
      fill(main, { mark: { icon: "circle-x" }, title: t("Asterisk’s configuration cannot be shown"), text: problem.message });
    },
  };
}
