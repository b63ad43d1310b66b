"""Before the scripts of a page run: what is typed stays, a press does nothing, no form leaves by the address."""

import asyncio
from functools import partial

from playwright.async_api import BrowserContext, expect

from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import hold


async def test_a_form_waits_for_its_script(context: BrowserContext, harness: Harness) -> None:
    loaded = asyncio.Event()
    harness.answers[("POST", "/api/auth/login")] = (200, {"user": {"must_change_password": False}})
    page = await context.new_page()
    await page.route("**/js/pages/login*", partial(hold, loaded))
    await page.goto(f"{harness.url}/login", wait_until="commit")
    await expect(page.locator("html[data-starting]")).to_have_count(1)
    await page.locator("#login").fill("camille")
    await page.locator("#password").fill("secret")
    await page.locator("#password").press("Enter")
    button = page.get_by_role("button", name="Se connecter")
    await expect(button).to_have_css("pointer-events", "none")
    loaded.set()
    await expect(page.locator("html[data-starting]")).to_have_count(0)
    await expect(page).to_have_url(f"{harness.url}/login")
    assert harness.requests == []
    await button.click()
    await page.wait_for_url("**/board")
    assert await harness.asked("POST", "/api/auth/login") == [{"login": "camille", "password": "secret"}]


async def test_a_page_whose_scripts_do_not_come_says_so_without_them(
    context: BrowserContext, harness: Harness
) -> None:
    """A rolling update, a browser of long ago on a wall: nothing would ever happen, and nobody be told."""
    page = await context.new_page()
    await page.emulate_media(reduced_motion="reduce")
    await page.route("**/js/lib/store*", lambda route: route.abort())
    # To the load event, which waits for every script: none is asked for later, when they come again.
    await page.goto(f"{harness.url}/login")
    await expect(page.locator("html[data-starting]")).to_have_count(1)
    told = page.locator(".unstarted")
    patience = "seconds => document.documentElement.style.setProperty('--start-patience', seconds)"
    await page.evaluate(patience, "3600s")
    await expect(told).to_be_hidden()
    await page.evaluate(patience, "0s")
    await expect(told).to_be_visible()
    await expect(told).to_have_text("Cette page n’a pas démarré. La recharger.")
    await page.unroute("**/js/lib/store*")
    await told.get_by_role("link").click()
    await expect(page.locator("html[data-starting]")).to_have_count(0)
    await expect(told).to_be_hidden()


async def test_without_scripts_it_is_said_at_once(context: BrowserContext, harness: Harness) -> None:
    assert context.browser is not None
    bare = await context.browser.new_context(java_script_enabled=False)
    try:
        plain = await bare.new_page()
        await plain.goto(f"{harness.url}/login")
        await expect(plain.locator(".unstarted")).to_be_visible()
    finally:
        await bare.close()


TWICE = """async () => {
  const { makeAdminData } = await import("controllers/admin-data");
  const asked = [];
  const data = makeAdminData({
    api: { get: async (path) => { asked.push(path); return { items: [{ id: path }] }; } },
    store: { follow() {}, onReload() {} },
    toasts: { failed() {} },
  }, ["site", "trunk"]);
  await Promise.all([data.reload(["site"]), data.reload(["trunk"])]);
  return [asked.sort(), data.rows("site").length, data.rows("trunk").length];
}"""


async def test_who_reads_again_is_answered_though_others_ask_too(open_page: OpenPage) -> None:
    """A deletion waits for the list without its row, while the stream tells of the same deletion."""
    page = await open_page("/sites")
    assert await page.evaluate(TWICE) == [["/api/sites", "/api/trunks"], 1, 1]
