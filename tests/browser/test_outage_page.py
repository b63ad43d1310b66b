"""A session that nobody can confirm now is not over: the page stays and says so."""

from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.harness import AGENT, Harness
from tests.browser.witness import ready

REFRESH = ("POST", "/api/auth/refresh")


def refused(code: str, status: int) -> tuple[int, dict[str, object]]:
    return status, {"status": status, "code": code, "title": code, "detail": code}


async def at_desk(open_page: OpenPage, harness: Harness) -> Page:
    harness.me |= {"role": "AGENT", "abilities": AGENT}
    harness.topics["calls"] = {}
    page = await open_page("/desk")
    await ready(page)
    return page


async def call(page: Page) -> None:
    await page.locator("#number").fill("0612345678")
    await page.locator("#number").press("Enter")


async def test_a_page_that_cannot_be_renewed_stays(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page, harness)
    harness.answers[("POST", "/api/calls")] = refused("session_expired", 401)
    harness.answers[REFRESH] = refused("database_away", 503)
    await call(page)
    await expect(page.get_by_text("Le serveur ne peut pas confirmer votre session")).to_be_visible()
    await expect(page.locator("#pulse")).to_have_text("En direct")
    await expect(page).to_have_url(f"{harness.url}/desk")
    # Only a session that the server says is over leads to the login.
    harness.answers[REFRESH] = refused("session_expired", 401)
    await page.locator("#number").press("Enter")
    await page.wait_for_url("**/login?**")


async def test_an_answer_may_say_why_the_session_is_over_before_the_stream_does(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await at_desk(open_page, harness)
    harness.answers[("POST", "/api/calls")] = refused("session_replaced", 401)
    harness.answers[REFRESH] = refused("session_replaced", 401)
    await call(page)
    await page.wait_for_url("**/login?reason=session_replaced*")
