/** The numbers of a site: whom their callers reach now, and while it is closed. */
import { makeDestinationWords } from "controllers/destination-field";
import { makeNumberForm } from "controllers/number-form";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber, readNumber } from "lib/phone-number";

const PAGE = 50;

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startNumberList(page, context) {
  const { locale, t } = page;
  const { data, dids } = context;
  const place = (id) => document.getElementById(id);
  const search = /** @type {HTMLInputElement} */ (place("numbers-text"));
  const form = makeNumberForm(page, context);
  const words = makeDestinationWords(data, t);
  let limit = PAGE;

  function now(schedule) {
    if (!schedule) return { text: "", hidden: true };
    return schedule.open_now ? { text: t("Open"), tone: "good", hidden: false } : { text: t("Closed"), tone: "offline", hidden: false };
  }

  const list = makeKeyedList({
    container: place("numbers"), template: "tpl-number", prefix: "did",
    fields: ({ did, schedule, opened, closed }) => ({
      number: formatNumber(did.number), label: did.label, opened, closed: schedule ? t("Closed: %(who)s", { who: closed }) : "",
      now: now(schedule), schedule: schedule?.name ?? t("Always open"),
    }),
  });

  const view = (did) => ({ did, schedule: data.find("schedule", did.schedule_id), opened: words(did.opened), closed: words(did.closed) });

  function matches({ did, opened, closed, schedule }) {
    const text = search.value.trim().toLocaleLowerCase(locale);
    const digits = readNumber(text).number.replace(/^\+33|^0|\D/g, "");
    if (digits.length > 1 && did.number.includes(digits)) return true;
    return [did.label, opened, closed, schedule?.name ?? ""].some((word) => word.toLocaleLowerCase(locale).includes(text));
  }

  function show() {
    if (!data.loaded()) return;
    const all = dids().sort((a, b) => a.number.localeCompare(b.number)).map(view);
    const seen = all.filter(matches);
    list.show(seen.slice(0, limit).map((entry) => [entry.did.id, entry]));
    place("numbers-count").textContent = all.length ? String(all.length) : "";
    place("numbers-tools").hidden = all.length < 8;
    place("numbers-table").hidden = seen.length === 0;
    place("numbers-none").hidden = all.length > 0;
    place("numbers-unmatched").hidden = seen.length > 0 || all.length === 0;
    place("numbers-more-row").hidden = seen.length <= limit;
    form.look();
  }

  place("numbers").addEventListener("click", (event) => {
    const id = /** @type {Element} */ (event.target).closest("[data-key]")?.dataset.key;
    if (id) form.edit(data.find("did", id));
  });
  place("new-numbers").addEventListener("click", () => form.create());
  place("numbers-more").addEventListener("click", () => { limit += PAGE; show(); });
  search.addEventListener("input", () => { limit = PAGE; show(); });
  data.onChange(show);
}
