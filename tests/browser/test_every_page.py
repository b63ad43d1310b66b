"""What holds for every page: it renders, in both languages and themes, at every size, for everybody."""

import pytest
from playwright.async_api import Page

from tests.browser.axe import assert_accessible
from tests.browser.conftest import ARTIFACTS, OpenPage
from tests.browser.harness import PAGES, Harness

PATHS = [*PAGES, "/board?wall=1", "/calls?call=018f0000-0000-7000-8000-000000000001"]
ready = "() => document.fonts.status === 'loaded' && !document.querySelector('#pulse[data-tone=neutral]')"


async def settle(page: Page) -> None:
    """The page is live and its first answers are shown."""
    await page.wait_for_function(ready)
    await page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
async def test_nothing_serious_for_axe(
    open_page: OpenPage, harness: Harness, path: str, theme: str, locale: str
) -> None:
    harness.locale = locale
    harness.theme = theme
    page = await open_page(path)
    await settle(page)
    assert await page.get_attribute("html", "lang") == locale
    assert await page.get_attribute("html", "data-theme") == theme
    await assert_accessible(page)


@pytest.mark.parametrize("width", [390, 768, 1440, 2560])
@pytest.mark.parametrize("path", PATHS)
async def test_no_sideways_scrolling(open_page: OpenPage, path: str, width: int) -> None:
    page = await open_page(path, width=width, height=844 if width == 390 else 1440)
    await settle(page)
    over = await page.evaluate(
        "() => [document.documentElement.scrollWidth - innerWidth,"
        " ...[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1"
        " && getComputedStyle(e).position !== 'absolute' && !e.closest('dialog, .visually-hidden'))"
        ".map((e) => e.outerHTML.slice(0, 120))]"
    )
    assert over == [0] or over[0] <= 0, over
    assert over[1:] == []
    name = path.strip("/").split("?call")[0].replace("?", "-").replace("=", "-")
    await page.screenshot(path=ARTIFACTS / f"{name}-{width}.png")


async def test_french_is_french(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await settle(page)
    assert await page.locator("h1").inner_text() == "Supervision"
    assert "Disponible" in await page.locator("#counts").inner_text()
    harness.locale = "en"
    page = await open_page("/board")
    await settle(page)
    assert await page.locator("h1").inner_text() == "Board"


async def test_theme_is_remembered(open_page: OpenPage) -> None:
    page = await open_page("/board")
    await page.locator(".who").click()
    await page.locator("label:has(input[name=theme][value=dark])").click()
    assert await page.get_attribute("html", "data-theme") == "dark"
    await page.reload()
    assert await page.get_attribute("html", "data-theme") == "dark"


async def test_keyboard_reaches_content_menu_and_back(open_page: OpenPage) -> None:
    page = await open_page("/board")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.locator(".who").focus()
    await page.keyboard.press("Enter")
    assert await page.locator("#menu").is_visible()
    await page.keyboard.press("Escape")
    assert not await page.locator("#menu").is_visible()
