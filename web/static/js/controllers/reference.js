/** The page of the programming interface: search, what a link points at is unfolded, commands are copied. */
import { copyText } from "lib/clipboard";
import { setText } from "lib/render";

/** What the address points at; null for nothing, and for what is no anchor at all ("#%"). */
function pointedAt() {
  try {
    return document.getElementById(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null;
  }
}

/** The page can be read without a script; with one, there is a search. @param {import("lib/page").Page} page */
export function startSearch({ tn, t }) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById("search"));
  const told = document.getElementById("found");
  const entries = [...document.querySelectorAll("details.operation, [data-entry]")].map((element) => ({ element, text: element.textContent.toLowerCase() }));
  const parts = document.querySelectorAll("[data-part]");

  function show() {
    const words = field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const found = entries.filter(({ text }) => words.every((word) => text.includes(word)));
    const seen = new Set(found.map(({ element }) => element));
    for (const { element } of entries) element.hidden = !seen.has(element);
    for (const part of parts) part.hidden = words.length > 0 && ![...seen].some((element) => part.contains(element));
    setText(told, !words.length ? "" : found.length ? tn("%(n)s entry", "%(n)s entries", found.length) : t("Nothing has these words."));
    const url = new URL(location.href);
    if (words.length) url.searchParams.set("q", field.value.trim());
    else url.searchParams.delete("q");
    history.replaceState(null, "", url);
  }

  field.hidden = false;
  field.value = new URL(location.href).searchParams.get("q") ?? "";
  if (field.value) show();
  field.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && field.value) {
      field.value = "";
      show();
    }
  });
  // A link inside the page leads to what the search may just hide.
  window.addEventListener("hashchange", () => {
    const target = pointedAt();
    if (!target || target.offsetParent) return;
    field.value = "";
    show();
    target.scrollIntoView();
  });
}

/** What the address points at is shown unfolded. */
export function startOpening() {
  function open() {
    const target = pointedAt();
    if (target instanceof HTMLDetailsElement) target.open = true;
  }
  window.addEventListener("hashchange", open);
  open();
}

/** @param {import("lib/page").Page} page */
export function startCopies({ t, toasts }) {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (await copyText(document.getElementById(button.dataset.copies))) toasts.done(t("Copied."));
    });
  }
}
