"""What tests of the pages of sites share: their rows, and how their forms are filled."""

from typing import Any

from playwright.async_api import Page

from tests.browser import scenes
from tests.browser.harness import Harness

Row = dict[str, Any]

SITE = f"/api/sites/{scenes.PARIS}"
TRUNK = scenes.uid("trunk paris")
BACKUP = scenes.uid("trunk paris-2")
FAR = scenes.uid("trunk saint-denis-de-la-reunion")


def sent(harness: Harness, method: str, path: str) -> Any:
    """The body of the last request of this kind."""
    return [body for m, p, body in harness.requests if (m, p) == (method, path)][-1]


async def save(page: Page, form: str) -> None:
    await page.locator(f"#{form}-form button[type=submit]").click()


async def choose(page: Page, form: str, name: str, value: str) -> None:
    await page.locator(f"#{form}-form label:has(input[name='{name}'][value='{value}'])").click()
