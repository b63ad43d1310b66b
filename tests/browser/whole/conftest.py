"""An installation, and people with browsers of their own looking at it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.conftest import FLAGS, LAUNCH_MS
from tests.browser.witness import midday, watch
from tests.integration.app.conftest import installation
from tests.rig.installation import PASSWORD, Node

__all__ = ["installation"]

Visit = Callable[..., Awaitable[Page]]


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One for each test here: its loop is the installation's."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=LAUNCH_MS)
        yield started
        await started.close()


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """``await visit(node, "agent1001")``: a person at a machine of their own, logged in, on their first page.

    At the end no script error and no violation of the page's policy may have happened anywhere.
    """
    troubles: list[str] = []

    async def go(node: Node, login: str, password: str = PASSWORD) -> Page:
        context = await browser.new_context(
            locale="fr-FR",
            timezone_id=midday(),
            viewport={"width": 1440, "height": 900},
            reduced_motion="reduce",
        )
        await watch(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"{login}: {error}"))
        page.on("console", lambda m: troubles.append(m.text) if "Security Policy" in m.text else None)
        await page.goto(node.base)
        await page.locator("#login").fill(login)
        await page.locator("#password").fill(password)
        await page.locator("#password").press("Enter")
        await page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield go
    assert not troubles
