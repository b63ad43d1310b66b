/**
 * Every running timer of the page, turned by one ticker: an element with data-since shows the time since then. One that
 * begins in between shows its time at once; the others are left alone until their second.
 */

/** Writes into the text that is there: a new one would cost hundreds of timers a new layout object a second. */
function say(element, text) {
  const node = element.firstChild;
  if (node instanceof Text && node === element.lastChild) {
    if (node.data !== text) node.data = text;
  } else element.textContent = text;
}

/** @param {MutationRecord[]} records @returns {Set<HTMLElement>} timers that came or began anew */
function begun(records) {
  const found = new Set();
  for (const { type, target, addedNodes } of records) {
    if (type === "attributes") found.add(target);
    for (const node of addedNodes) {
      if (!(node instanceof Element)) continue;
      if (node.matches("[data-since]")) found.add(node);
      for (const timer of node.querySelectorAll("[data-since]")) found.add(timer);
    }
  }
  return found;
}

/** @param {import("lib/page").Page} page */
export function startTimers({ clock, format }) {
  /** @param {Iterable<HTMLElement>} timers */
  function turn(timers) {
    if (document.body.classList.contains("is-blind")) return;
    const now = clock.now();
    for (const timer of timers) if (timer.dataset.since) say(timer, format.duration(now - Number(timer.dataset.since)));
  }

  const all = () => document.querySelectorAll("[data-since]");
  clock.onTick(() => turn(all()));
  new MutationObserver((records) => turn(begun(records)))
    .observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-since"] });
  turn(all());
}
