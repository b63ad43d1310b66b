"""Screenshots of every page by the harness, to look at: python -m tests.browser.shots [path ...]."""

import asyncio
import sys
from pathlib import Path

from aiohttp import web
from playwright.async_api import async_playwright

from tests.browser.conftest import ARTIFACTS, FLAGS, chromium_path
from tests.browser.harness import PAGES, Harness

SIZES = {"desk": (1440, 900), "phone": (390, 844), "wall": (2560, 1440)}


async def main(paths: list[str], sizes: list[str], themes: list[str]) -> None:
    harness = Harness()
    runner = web.AppRunner(harness.app(), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    Path(ARTIFACTS).mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for size in sizes:
            width, height = SIZES[size]
            for theme in themes:
                context = await browser.new_context(
                    locale="fr-FR", viewport={"width": width, "height": height}, color_scheme=theme
                )
                page = await context.new_page()
                page.on("pageerror", lambda e: print("ERROR", e))
                page.on("console", lambda m: print(m.type, m.text) if m.type != "log" else None)
                for path in paths:
                    await page.goto(url + path)
                    await page.wait_for_load_state("networkidle")
                    await page.wait_for_timeout(400)
                    name = path.strip("/").replace("?", "-").replace("=", "-").replace("/", "-")
                    await page.screenshot(path=ARTIFACTS / f"{name}-{size}-{theme}.png")
                await context.close()
        await browser.close()
    await runner.cleanup()


if __name__ == "__main__":
    given = [a for a in sys.argv[1:] if a.startswith("/")] or list(PAGES)
    chosen = [a for a in sys.argv[1:] if a in SIZES] or ["desk"]
    shades = [a for a in sys.argv[1:] if a in ("light", "dark")] or ["light"]
    asyncio.run(main(given, chosen, shades))
