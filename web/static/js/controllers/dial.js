/** The number box: shows how the number is understood, says what is wrong with it, asks for the call. */
import { onSubmit, setFieldError } from "lib/form";
import { Problem } from "lib/api";
import { readNumber } from "lib/phone-number";

/** @param {import("lib/page").Page} page */
export function startDial({ api, t }) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById("dial-form"));
  const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("number"));
  const note = document.getElementById("number-note");
  const problems = {
    empty: t("Type the number to call."),
    characters: t("A number has only digits, and + at its start."),
    short: t("This number is too short."),
    long: t("This number is too long."),
  };

  function explain() {
    const { shown } = readNumber(box.value);
    note.textContent = shown;
    setFieldError(form, "number", "");
  }

  box.addEventListener("input", explain);

  onSubmit(form, async () => {
    const typed = box.value;
    const { number, error } = readNumber(typed);
    if (error) {
      throw new Problem({ errors: [{ field: "number", code: error, message: problems[error] }] });
    }
    try {
      await api.post("/api/calls", { number });
    } catch (problem) {
      // Whatever refuses the call (busy, phone away, blind) is said where the agent looks: below the number.
      if (!problem.errors?.length) problem.errors = [{ field: "number", code: problem.code, message: problem.message }];
      throw problem;
    }
    if (box.value !== typed) return; // The next number, typed while the server answered.
    box.value = "";
    note.textContent = "";
  });

  /** Also used by "call again". @param {string} number */
  return (number) => {
    box.value = number;
    explain();
    form.requestSubmit();
  };
}
