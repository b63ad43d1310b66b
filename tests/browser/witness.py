"""What a page does, so that no test must look at the right moment: whether it still works, what it said in passing."""

import asyncio
import time

from playwright.async_api import BrowserContext, Page, Route, expect

from tests.rig.wait import PATIENCE_SECONDS, until

WITNESS = """{
  const SOON_MS = 500;
  const soon = new Set();
  let asking = 0;
  const { setTimeout: later, clearTimeout: never, fetch: ask } = window;
  window.setTimeout = (work, delay = 0, ...rest) => {
    const id = later(() => { soon.delete(id); work(...rest); }, delay);
    // The clock (lib/clock.js) ticks for ever, on a busy machine late each time and soon again.
    if (delay <= SOON_MS && work.name !== "tick") soon.add(id);
    return id;
  };
  window.clearTimeout = (id) => { soon.delete(id); never(id); };
  const counted = async (answer) => { asking += 1; try { return await answer; } finally { asking -= 1; } };
  window.fetch = async (...request) => {
    const response = await counted(ask(...request));
    const json = response.json.bind(response);
    response.json = () => counted(json());
    return response;
  };
  window.isQuiet = () => soon.size === 0 && asking === 0 && document.fonts.status === "loaded";
  window.said = { toasts: [], pulse: [] };
  document.addEventListener("readystatechange", () => {
    if (document.readyState !== "interactive") return;
    const [toasts, pulse] = ["toasts", "pulse"].map((id) => document.getElementById(id));
    const note = (records) => {
      for (const { addedNodes } of records) for (const node of addedNodes) said.toasts.push(node.textContent);
    };
    if (toasts) new MutationObserver(note).observe(toasts, { childList: true });
    const hear = () => said.pulse.push(pulse.textContent.trim());
    if (pulse) new MutationObserver(hear).observe(pulse, { childList: true, characterData: true, subtree: true });
  });
}"""


async def watch(context: BrowserContext) -> None:
    """Every page of this context has a witness from its first script on, and patience."""
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    await context.add_init_script(WITNESS)


def midday() -> str:
    """A zone in which it is about noon: no call of a test was ever placed yesterday."""
    return f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"


async def live(page: Page) -> None:
    """The page shows what the stream says."""
    await expect(page.locator("#pulse")).to_have_text("En direct")


async def quiet(page: Page) -> None:
    """Nothing is asked of the server and nothing is about to be: what the page shows stays until somebody acts."""
    await page.wait_for_function("() => isQuiet()")


async def ready(page: Page) -> None:
    """Live, and done with all that the first snapshot made it read."""
    await live(page)
    await quiet(page)


async def toasted(page: Page, words: str) -> None:
    """A toast said so, be it gone by now. Forgets what was said."""
    await page.wait_for_function("(words) => said.toasts.some((one) => one.includes(words))", arg=words)
    await page.evaluate("said.toasts.length = 0")


async def pulsed(page: Page, words: str) -> None:
    """The pulse said so since the page was opened, if only for a moment."""
    await page.wait_for_function("(words) => said.pulse.some((one) => one.includes(words))", arg=words)


async def forgotten(page: Page, secret: str) -> None:
    """Nothing of a secret is left in the page: it is wiped by the dialog's event, just after the dialog is gone."""

    async def gone() -> bool:
        return secret not in await page.content()

    await until(gone, "the page has forgotten a secret")


async def hold(gate: asyncio.Event, route: Route) -> None:
    """For ``page.route``: the request goes on its way when the gate is opened."""
    await gate.wait()
    await route.continue_()


async def resize(page: Page, width: int, height: int) -> None:
    """The page has that size, and has drawn itself in it."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.wait_for_function(
        "([width, height]) => innerWidth === width && innerHeight === height", arg=[width, height]
    )
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
