"""One Chromium for all browser tests; a fresh harness and page for each."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.harness import Harness
from tests.browser.witness import midday, watch
from tests.rig.wait import PATIENCE_SECONDS

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

LAUNCH_MS = 180_000
TEST_SECONDS = 300

OpenPage = Callable[..., Awaitable[Page]]

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All browser tests share one loop, so that they can share one browser."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))
            # Those on the whole server share a loop with its fixtures instead.
            if here / "whole" not in Path(item.path).parents:
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def chromium_path() -> str | None:
    """Debian's Chromium, or the one that the environment names."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    path = chromium_path()
    if path is None:
        pytest.fail("no Chromium here: apt-get install -y chromium")
    return path


@pytest.fixture
def scripted() -> Harness:
    """Made outside the loop: it reads the templates and the static files from the disk."""
    return Harness()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=FLAGS, timeout=LAUNCH_MS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def harness(scripted: Harness) -> AsyncIterator[Harness]:
    made = scripted
    runner = web.AppRunner(made.app(), shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(
        locale="fr-FR",
        timezone_id=midday(),
        reduced_motion="reduce",
        viewport={"width": 1440, "height": 900},
    )
    await watch(made)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(context: BrowserContext, harness: Harness) -> AsyncIterator[OpenPage]:
    """Opens a path of the harness; at the end no script error and no CSP violation may have happened."""
    troubles: list[str] = []

    async def open_it(path: str, *, width: int = 1440, height: int = 900) -> Page:
        page = await context.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        page.on("pageerror", lambda error: troubles.append(f"{path}: {error}"))
        page.on(
            "console", lambda m: troubles.append(f"{path}: {m.text}") if "Security Policy" in m.text else None
        )
        await page.goto(harness.url + path)
        return page

    yield open_it
    assert not troubles
