"""Takes the README's picture of a real board: python -m tests.browser.picture URL LOGIN PASSWORD [FILE].

The server is one that runs, for instance ``scripts/up --demo``, which prints a supervisor's login. It waits until
at least four calls are in progress, so that the picture shows a morning's work and not an empty room.
"""

import asyncio
import sys

from playwright.async_api import async_playwright

from tests.browser.conftest import FLAGS, chromium_path

BUSY = "() => document.querySelectorAll('#calls > tr').length >= 4"
PATIENCE_MS = 120_000


async def take(url: str, login: str, password: str, file: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        context = await browser.new_context(
            locale="fr-FR",
            timezone_id="Europe/Paris",
            viewport={"width": 1360, "height": 620},
            reduced_motion="reduce",
        )
        page = await context.new_page()
        await page.goto(f"{url}/login")
        await page.locator("#login").fill(login)
        await page.locator("#password").fill(password)
        await page.locator("#password").press("Enter")
        await page.wait_for_url("**/board")
        await page.wait_for_function(BUSY, timeout=PATIENCE_MS)
        await page.screenshot(path=file)
        await browser.close()


if __name__ == "__main__":
    where, who, word, *rest = sys.argv[1:]
    asyncio.run(take(where.rstrip("/"), who, word, rest[0] if rest else "docs/board.png"))
