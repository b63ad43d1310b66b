/** The numbers of a site: whom their callers reach now, and while it is closed. */
import { makeDestinationWords } from "controllers/destination-field";
import { makeNumberForm } from "controllers/number-form";
import { makeNumberPages } from "controllers/number-pages";
import { makeKeyedList } from "lib/keyed-list";
import { formatNumber } from "lib/phone-number";
import { fill } from "lib/render";

/** With so few nobody searches. */
const FEW = 8;

/** @param {import("lib/page").Page} page @param {import("controllers/site-page").SiteContext} context */
export function startNumberList(page, context) {
  const { t, tn } = page;
  const { data, site } = context;
  const place = (id) => document.getElementById(id);
  const search = /** @type {HTMLInputElement} */ (place("numbers-text"));
  const numbers = makeNumberPages(page, { site, text: () => search.value.trim(), show });
  const form = makeNumberForm(page, context, numbers);
  const words = makeDestinationWords(data, t);
  const all = /** @type {HTMLInputElement} */ (place("numbers-all"));
  /** @type {Set<string>} ids of the numbers that are edited together */
  const picked = new Set();

  function now(schedule) {
    if (!schedule) return { text: "", hidden: true };
    return schedule.open_now ? { text: t("Open"), tone: "good", hidden: false } : { text: t("Closed"), tone: "offline", hidden: false };
  }

  const list = makeKeyedList({
    container: place("numbers"), template: "tpl-number", prefix: "did",
    fields: ({ did, schedule, opened, closed, unanswered }) => ({
      number: formatNumber(did.number), label: did.label, opened, closed: schedule ? t("Closed: %(who)s", { who: closed }) : "",
      unanswered: did.unanswered.target === "none" ? "" : t("No answer: %(who)s", { who: unanswered }),
      now: now(schedule), schedule: schedule?.name ?? t("Always open"),
    }),
    after(element, { did }) {
      const box = element.querySelector("[data-pick]");
      box.checked = picked.has(did.id);
      box.setAttribute("aria-label", t("Choose %(name)s", { name: formatNumber(did.number) }));
    },
  });

  const view = (did) => ({ did, schedule: data.find("schedule", did.schedule_id), opened: words(did.opened), closed: words(did.closed), unanswered: words(did.unanswered) });

  function showPicked(shown) {
    for (const id of picked) if (!numbers.find(id)) picked.delete(id);
    place("numbers-picked").hidden = picked.size === 0;
    fill(place("numbers-picked"), { count: tn("%(n)s number chosen", "%(n)s numbers chosen", picked.size) });
    const count = shown.filter(({ id }) => picked.has(id)).length;
    all.checked = count > 0 && count === shown.length;
    all.indeterminate = count > 0 && count < shown.length;
  }

  function show() {
    if (!data.loaded() || !numbers.loaded()) return;
    const [whole, shown] = [numbers.whole(), numbers.rows()];
    list.show(shown.map((did) => [did.id, view(did)]));
    showPicked(shown);
    place("numbers-count").textContent = whole ? String(whole) : "";
    place("numbers-tools").hidden = whole < FEW && !search.value;
    place("numbers-table").hidden = shown.length === 0;
    place("numbers-none").hidden = whole > 0;
    place("numbers-unmatched").hidden = shown.length > 0 || whole === 0;
    place("numbers-more-row").hidden = !numbers.onward();
    form.look();
  }

  place("numbers").addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const id = target.closest("[data-key]")?.dataset.key;
    if (id && !target.closest(".check")) form.edit(numbers.find(id));
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
    for (const { id } of numbers.rows()) picked[checked ? "add" : "delete"](id);
    show();
  });
  place("numbers-none-picked").addEventListener("click", () => { picked.clear(); show(); all.focus(); });
  place("numbers-edit").addEventListener("click", () => form.editMany([...picked].map(numbers.find), () => picked.clear()));
  place("new-numbers").addEventListener("click", () => form.create());
  place("numbers-more").addEventListener("click", () => void numbers.more());
  search.addEventListener("input", numbers.search);
  data.onChange(show);
}
