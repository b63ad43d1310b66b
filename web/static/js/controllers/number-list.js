/** The numbers of a site: whom their callers reach now, and while it is closed. */
import { makeDestinationWords } from "controllers/destination-field";
import { makeNumberForm } from "controllers/number-form";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber, readNumber } from "lib/phone-number";
import { fill } from "lib/render";

const PAGE = 50;

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startNumberList(page, context) {
  const { locale, t, tn } = page;
  const { data, dids } = context;
  const place = (id) => document.getElementById(id);
  const search = /** @type {HTMLInputElement} */ (place("numbers-text"));
  const form = makeNumberForm(page, context);
  const words = makeDestinationWords(data, t);
  const all = /** @type {HTMLInputElement} */ (place("numbers-all"));
  /** @type {Set<string>} ids of the numbers that are edited together */
  const picked = new Set();
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
    after(element, { did }) {
      const box = element.querySelector("[data-pick]");
      box.checked = picked.has(did.id);
      box.setAttribute("aria-label", t("Choose %(name)s", { name: formatNumber(did.number) }));
    },
  });

  const view = (did) => ({ did, schedule: data.find("schedule", did.schedule_id), opened: words(did.opened), closed: words(did.closed) });

  function matches({ did, opened, closed, schedule }) {
    const text = search.value.trim().toLocaleLowerCase(locale);
    const digits = readNumber(text).number.replace(/^\+33|^0|\D/g, "");
    if (digits.length > 1 && did.number.includes(digits)) return true;
    return [did.label, opened, closed, schedule?.name ?? ""].some((word) => word.toLocaleLowerCase(locale).includes(text));
  }

  function showPicked(shown) {
    const known = new Set(dids().map(({ id }) => id));
    for (const id of picked) if (!known.has(id)) picked.delete(id);
    place("numbers-picked").hidden = picked.size === 0;
    fill(place("numbers-picked"), { count: tn("%(n)s number chosen", "%(n)s numbers chosen", picked.size) });
    const count = shown.filter(({ did }) => picked.has(did.id)).length;
    all.checked = count > 0 && count === shown.length;
    all.indeterminate = count > 0 && count < shown.length;
  }

  const seen = () => dids().sort((a, b) => a.number.localeCompare(b.number)).map(view).filter(matches);

  function show() {
    if (!data.loaded()) return;
    const [total, found] = [dids().length, seen()];
    const shown = found.slice(0, limit);
    list.show(shown.map((entry) => [entry.did.id, entry]));
    showPicked(shown);
    place("numbers-count").textContent = total ? String(total) : "";
    place("numbers-tools").hidden = total < 8;
    place("numbers-table").hidden = found.length === 0;
    place("numbers-none").hidden = total > 0;
    place("numbers-unmatched").hidden = found.length > 0 || total === 0;
    place("numbers-more-row").hidden = found.length <= limit;
    form.look();
  }

  place("numbers").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const id = target.closest("[data-key]")?.dataset.key;
    if (id && !target.closest(".check")) form.edit(data.find("did", id));
  });
  place("numbers").addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    const id = box.closest("[data-key]").dataset.key;
    if (box.checked) picked.add(id);
    else picked.delete(id);
    show();
  });
  all.addEventListener("change", () => {
    const { checked } = all;
    for (const { did } of seen().slice(0, limit)) picked[checked ? "add" : "delete"](did.id);
    show();
  });
  place("numbers-none-picked").addEventListener("click", () => { picked.clear(); show(); all.focus(); });
  place("numbers-edit").addEventListener("click", () => form.editMany(dids().filter(({ id }) => picked.has(id)), () => picked.clear()));
  place("new-numbers").addEventListener("click", () => form.create());
  place("numbers-more").addEventListener("click", () => { limit += PAGE; show(); });
  search.addEventListener("input", () => { limit = PAGE; show(); });
  data.onChange(show);
}
