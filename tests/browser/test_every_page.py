"""What holds for every page: it renders, in both languages and themes, at every size, for everybody."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import ARTIFACTS, OpenPage
from tests.browser.harness import PAGES, Harness
from tests.browser.witness import quiet, resize

PATHS = [*PAGES, "/board?wall=1", "/calls?call=018f0000-0000-7000-8000-000000000001"]


async def settle(page: Page) -> None:
    """The page is live and its first answers are shown."""
    await expect(page.locator("#pulse[data-tone=neutral]")).to_have_count(0)
    await quiet(page)


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("path", PATHS)
async def test_nothing_serious_for_axe(open_page: OpenPage, harness: Harness, path: str, locale: str) -> None:
    harness.locale = locale
    harness.theme = "light"
    page = await open_page(path)
    await settle(page)
    assert await page.get_attribute("html", "lang") == locale
    await assert_accessible(page)
    # Loaded anew and not switched: what is out of sight (content-visibility) takes new colours only when seen.
    harness.theme = "dark"
    await page.reload()
    await settle(page)
    assert await page.get_attribute("html", "data-theme") == "dark"
    await assert_accessible(page)


OVERFLOW = """() => [
  document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll("main *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .filter((e) => !e.closest("dialog, .visually-hidden, .table-wrap"))
    .filter((e) => !e.parentElement.closest(".truncate")) // Cut with an ellipsis: its box goes on out of sight.
    .map((e) => e.outerHTML.slice(0, 120)),
]"""


@pytest.mark.parametrize("path", PATHS)
async def test_no_sideways_scrolling(open_page: OpenPage, path: str) -> None:
    page = await open_page(path)
    await settle(page)
    name = path.strip("/").split("?call")[0].replace("?", "-").replace("=", "-")
    for width, height in ((2560, 1440), (1440, 900), (1024, 768), (768, 1024), (390, 844)):
        await resize(page, width, height)
        over, *culprits = await page.evaluate(OVERFLOW)
        assert over <= 0, (width, over)
        assert culprits == [], width
        if width in (2560, 390):
            await page.screenshot(path=ARTIFACTS / f"{name}-{width}.png")


async def test_french_is_french(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await settle(page)
    await expect(page.locator("h1")).to_have_text("Supervision")
    await expect(page.locator("#counts")).to_contain_text("Disponible")
    harness.locale = "en"
    page = await open_page("/board")
    await settle(page)
    await expect(page.locator("h1")).to_have_text("Board")


async def test_theme_is_remembered(open_page: OpenPage) -> None:
    page = await open_page("/board")
    await page.locator(".who").click()
    await page.locator("label:has(input[name=theme][value=dark])").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_keyboard_reaches_content_menu_and_back(open_page: OpenPage) -> None:
    page = await open_page("/board")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.locator(".who").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#menu")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#menu")).to_be_hidden()


async def test_nothing_serious_in_what_opens(open_page: OpenPage) -> None:
    page = await open_page("/users")
    await settle(page)
    await page.locator("#new-user").click()
    await page.select_option("#role", "SUPERVISOR")
    await expect(page.locator("#scope")).to_be_visible()
    await assert_accessible(page)
    await page.keyboard.press("Escape")
    # What was chosen is not lost at the first press.
    await expect(page.locator("#user-dialog [data-note]")).to_contain_text("Échap")
    await page.keyboard.press("Escape")
    await expect(page.locator("#user-dialog")).to_be_hidden()
    await page.locator(".who").click()
    await expect(page.locator("#menu")).to_be_visible()
    await assert_accessible(page)
