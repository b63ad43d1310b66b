/** Asterisk's configuration in the user's words: steps, results, what changed. Codes not known here show as they are. */
import { makeConfigSentences } from "lib/config-sentences";

const RESULT_TONES = { running: "talking", applied: "good", checked: "good", unchanged: "good", refused: "bad", rolled_back: "warn", failed: "bad", interrupted: "bad" };
const STEP_ICONS = { pending: "circle-dashed", running: "loader-circle", done: "circle-check", failed: "circle-x", skipped: "minus" };
const STEP_TONES = { pending: "neutral", running: "talking", done: "good", failed: "bad", skipped: "neutral" };
const DID_ICONS = { added: "plus", removed: "minus", changed: "pencil", edited: "triangle-alert" };
const DID_TONES = { added: "good", removed: "bad", changed: "warn", edited: "bad" };

/** @param {import("lib/i18n").Translate} t */
function runs(t) {
  return {
    step: {
      plan: t("Compare"), stage: t("Write the files"), rehearse: t("Rehearse"), back_up: t("Back up"), install: t("Install"),
      reload: t("Reload"), verify: t("Verify"), roll_back: t("Roll back"),
    },
    stepHint: {
      plan: t("What differs from what Asterisk runs on."), stage: t("Beside the ones in use, touching nothing."),
      rehearse: t("A throw-away Asterisk reads them; its errors refuse them."), back_up: t("The files in use are kept."),
      install: t("All files or none."), reload: t("Only what changed; calls in progress go on."),
      verify: t("Asterisk has every phone, trunk and context as written."), roll_back: t("The former files are put back and reloaded."),
    },
    stepState: { pending: t("Waiting"), running: t("In progress"), done: t("Done"), failed: t("Failed"), skipped: t("Skipped") },
    result: {
      running: t("In progress"), applied: t("Applied"), checked: t("No error"), unchanged: t("Nothing to change"), refused: t("Refused"),
      rolled_back: t("Undone"), failed: t("Failed"), interrupted: t("Interrupted"),
    },
    action: { apply: t("Application"), rollback: t("Return to a former revision"), check: t("Verification") },
    origin: { page: t("Page"), command: t("Command line"), automatic: t("By itself") },
  };
}

/** @param {import("lib/i18n").Translate} t */
function things(t) {
  return {
    did: { added: t("Added"), removed: t("Removed"), changed: t("Changed"), edited: t("Edited by hand") },
    kind: {
      site: t("Site"), trunk: t("Trunk"), phone: t("Phone"), did: t("Number"), schedule: t("Opening hours"), route: t("Route"),
      server: t("Server"), file: t("File"), mobile: t("Mobile"),
    },
    field: {
      name: t("name"), display_name: t("name"), label: t("label"), zone: t("time zone"), country: t("country"), area: t("area code"),
      area_prefix: t("area code"), caller_id: t("number shown"), subnets: t("networks"), codecs: t("codecs"), allowed_prefixes: t("allowed prefixes"),
      host: t("address"), port: t("port"), addresses: t("addresses"), transport: t("transport"), mode: t("mode"), username: t("user name"),
      secret: t("password"), from_domain: t("domain"), number_format: t("number format"), dial_prefix: t("dial prefix"),
      qualify_seconds: t("monitoring"), priority: t("priority"), active: t("in service"), site: t("site"), site_id: t("site"), extension: t("extension"),
      kind: t("kind of phone"), agent_id: t("agent"), user: t("agent"), user_id: t("agent"), number: t("number"),
      schedule: t("opening hours"), schedule_id: t("opening hours"), opened: t("destination when open"), closed: t("destination when closed"),
      unanswered: t("destination when nobody answers"), ring_seconds: t("seconds of ringing"),
      target: t("destination"), trunk: t("trunk"), trunk_id: t("trunk"), trunks: t("trunks"), routes: t("routes"),
      prefix: t("prefix"), hours: t("hours"), holidays: t("public holidays"), special_days: t("special days"),
    },
  };
}

/** @param {import("lib/i18n").Translate} t */
export function makeConfigWords(t) {
  const words = { ...runs(t), ...things(t) };
  const of = (table) => (code) => words[table][code] ?? code;
  return {
    ...makeConfigSentences(t),
    step: of("step"), stepState: of("stepState"), result: of("result"), action: of("action"), origin: of("origin"),
    did: of("did"), kind: of("kind"), field: of("field"),
    stepHint: (code) => words.stepHint[code] ?? "",
    stepIcon: (state) => STEP_ICONS[state] ?? "circle-dashed",
    stepTone: (state) => STEP_TONES[state] ?? "neutral",
    resultTone: (code) => RESULT_TONES[code] ?? "neutral",
    didIcon: (code) => DID_ICONS[code] ?? "pencil",
    didTone: (code) => DID_TONES[code] ?? "neutral",
    /** Fields of a change, each word once. @param {string[]} codes */
    fields: (codes) => [...new Set(codes.map(of("field")))].join(", "),
  };
}
