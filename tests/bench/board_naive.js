/**
 * The benchmark's baseline: a board as it is written at first. All rows are made again at each change, every timer of
 * the page is written each second. It takes the place of controllers/board.js.
 */
import { makeRows } from "controllers/rows";
import { fill, fromTemplate } from "lib/render";

const collator = new Intl.Collator(document.documentElement.lang);

export function startBoard(page) {
  const { store } = page;
  const rows = makeRows(page);

  function make(template, prefix, row) {
    const element = fromTemplate(template);
    element.id = `${prefix}-${row.id}`;
    fill(element, rows[prefix](row));
    return element;
  }

  function show() {
    const agents = store.values("agents").sort((a, b) => (a.state === "offline") - (b.state === "offline") || collator.compare(a.name, b.name));
    const calls = store.values("calls").sort((a, b) => a.started_at - b.started_at);
    document.getElementById("agents").replaceChildren(...agents.map((row) => make("tpl-agent", "agent", row)));
    document.getElementById("calls").replaceChildren(...calls.map((row) => make("tpl-call", "call", row)));
    document.getElementById("agents-empty").hidden = true;
    document.getElementById("calls-empty").hidden = true;
    document.getElementById("calls-table").hidden = false;
    turn(page.clock.now());
  }

  function turn(now) {
    for (const element of document.querySelectorAll("[data-since]")) element.textContent = page.format.duration(now - Number(element.dataset.since));
  }

  page.clock.onTick(turn);
  store.watch(["agents", "calls"], show);
}
