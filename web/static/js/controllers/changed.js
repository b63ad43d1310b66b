/** The part of a form that says what somebody else has changed meanwhile, field by field, and asks whose values stay. */
import { makeFieldWords } from "lib/field-words";
import { fill } from "lib/render";

/**
 * @typedef {object} By who changed it: what the API's refusal tells; nothing when the stream told
 * @property {string} [who] @property {string|null} [who_id] @property {number|null} [at]
 */

/**
 * @param {import("lib/page").Page} page @param {HTMLFormElement} form
 * @param {Record<string, (value: any) => string>} words of fields whose values are no text
 * @param {(choice: "mine"|"theirs") => void} decided
 */
export function makeChanged({ me, clock, format, t }, form, words, decided) {
  const part = /** @type {HTMLElement} */ (form.querySelector("[data-changed]"));
  const list = /** @type {HTMLElement} */ (part.querySelector("ul"));
  const [keep, take] = ["keep", "take"].map((name) => /** @type {HTMLButtonElement} */ (part.querySelector(`[data-${name}]`)));
  const fields = makeFieldWords(form, t, words);

  keep.addEventListener("click", () => decided("mine"));
  take.addEventListener("click", () => decided("theirs"));

  /** @param {By} by */
  function sentence({ who, who_id: id, at }) {
    const time = at ? format.moment(at, clock.now()) : "";
    if (!time) return t("Somebody else has just changed this.");
    return id && id === me?.id ? t("You changed this in another window (%(time)s).", { time }) : t("%(who)s changed this meanwhile (%(time)s).", { who: who || t("Somebody else"), time });
  }

  function pair(name, text, tone) {
    const [place, dt, dd] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    dt.textContent = name;
    dd.textContent = text;
    place.dataset.side = tone;
    place.append(dt, dd);
    return place;
  }

  function line(name, { base, theirs, now }, both) {
    const [item, title, values] = ["li", "strong", "dl"].map((tag) => document.createElement(tag));
    title.textContent = fields.label(name);
    values.append(pair(t("Before"), fields.words(name, base[name]), "before"), pair(t("Now"), fields.words(name, theirs[name]), "theirs"));
    if (both.includes(name)) values.append(pair(t("Yours"), fields.words(name, now[name]), "mine"));
    item.append(title, values);
    return item;
  }

  return {
    /** @param {import("lib/merge").Meeting} meeting @param {{base: any, theirs: any, now: any}} rows @param {By} by */
    show(meeting, rows, by) {
      const clash = meeting.both.length > 0;
      list.replaceChildren(...meeting.theirs.map((name) => line(name, rows, meeting.both)));
      fill(part, {
        changed: sentence(by),
        hint: clash ? t("You both changed the same: choose whose values stay. What else you typed is kept.") : t("What you typed is kept, and is saved beside it."),
        keep: clash ? t("Keep mine") : t("Understood"),
      });
      take.hidden = !clash;
      part.hidden = false;
    },
    hide() { part.hidden = true; },
    /** Seen, and read out by what it is called. */
    focus() { part.focus(); part.scrollIntoView({ block: "nearest" }); },
  };
}
