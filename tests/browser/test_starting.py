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
