"""The programming interface as a page: for everybody, in both languages and themes, by keyboard, with a search."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from ccserver.web.api import agents, calls, config, docs
from ccserver.web.i18n import Catalogues
from ccserver.web.rendering import content_security_policy
from ccserver.web.server import ROUTES
from playwright.async_api import Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import ARTIFACTS, OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import resize, toasted

ALL = (*ROUTES, *calls.ROUTES, *agents.ROUTES, *config.ROUTES)
USERS = "#op-post_api_users"


@pytest.fixture(scope="session")
def catalogues() -> Catalogues:
    """Read outside the loop."""
    return Catalogues()


@pytest_asyncio.fixture(loop_scope="session")
async def harness(scripted: Harness, catalogues: Catalogues) -> AsyncIterator[Harness]:
    """The tests' server, with the page made from the real table of routes."""

    async def page(request: web.Request) -> web.Response:
        shell = docs.docs_shell(
            ALL,
            catalogues,
            origin=str(request.url.origin()),
            locale=request.query.get("lang", "fr"),
            theme=scripted.theme or "auto",
            nonce="once",
        )
        headers = {"Content-Security-Policy": content_security_policy("once")}
        text = scripted.renderer.render(docs.TEMPLATE, shell)
        return web.Response(text=text, content_type="text/html", headers=headers)

    app = scripted.app()
    app.router.add_get("/api/docs", page)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    scripted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield scripted
    await runner.cleanup()


async def opened(open_page: OpenPage, path: str = "/api/docs") -> Page:
    page = await open_page(path)
    await expect(page.locator("#search")).to_be_visible()
    return page


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_serious_for_axe(
    open_page: OpenPage, harness: Harness, locale: str, theme: str
) -> None:
    harness.theme = theme
    page = await opened(open_page, f"/api/docs?lang={locale}{USERS}")
    await expect(page.locator(USERS)).to_have_attribute("open", "")
    await assert_accessible(page)


async def test_it_fits_every_screen(open_page: OpenPage) -> None:
    page = await opened(open_page, f"/api/docs{USERS}")
    for width in (390, 768, 1024, 1440, 2560):
        await resize(page, width, 900)
        await page.screenshot(path=ARTIFACTS / f"reference-{width}.png")
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, width


async def test_search_finds_paths_fields_and_errors(open_page: OpenPage) -> None:
    page = await opened(open_page)
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.type("reset password")
    await expect(page.locator("details.operation:not([hidden]) .path").first).to_have_text(
        "/api/users/{id}/reset-password"
    )
    await expect(page.locator(USERS)).to_be_hidden()
    await expect(page).to_have_url(re.compile(r"q=reset\+password"))
    await page.locator("#search").fill("wrong_credentials")
    await expect(page.locator("#error-wrong_credentials")).to_be_visible()
    await page.locator("#search").fill("zzz")
    await expect(page.locator("#found")).to_have_text("Rien ne contient ces mots.")
    await page.keyboard.press("Escape")
    await expect(page.locator(USERS)).to_be_visible()
    await expect(page.locator("#found")).to_have_text("")


async def test_a_link_unfolds_what_it_leads_to_even_if_the_search_hid_it(open_page: OpenPage) -> None:
    page = await opened(open_page, "/api/docs?q=reset-password")
    await expect(page.locator(USERS)).to_be_hidden()
    await page.locator("#op-post_api_users_id_reset_password > summary").press("Enter")
    await page.locator("#op-post_api_users_id_reset_password a[href='#schema-NewPassword']").click()
    schema = page.locator("#schema-NewPassword")
    await expect(schema).to_have_attribute("open", "")
    await expect(schema).to_be_in_viewport()
    await expect(schema.locator("tbody th").first).to_contain_text("password")


async def test_an_address_that_points_at_no_anchor_leaves_the_search_alive(open_page: OpenPage) -> None:
    page = await opened(open_page, "/api/docs#%")
    await page.locator("#search").fill("reset password")
    await expect(page.locator(USERS)).to_be_hidden()
    await page.evaluate("location.hash = '#%E0%A4%A'")
    await page.locator("#search").fill("")
    await expect(page.locator(USERS)).to_be_visible()


async def test_a_command_is_copied(open_page: OpenPage, harness: Harness) -> None:
    page = await opened(open_page, f"/api/docs{USERS}")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=harness.url)
    await page.locator(f"{USERS} [data-copies]").click()
    await toasted(page, "Copié")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith('curl -sS -X POST "$CCSERVER/api/users" -H @token.txt')


async def test_it_is_read_without_a_script(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/login")
    assert page.context.browser is not None
    bare = await page.context.browser.new_context(java_script_enabled=False)
    try:
        plain = await bare.new_page()
        await plain.goto(f"{harness.url}/api/docs?lang=en")
        await plain.locator(f"{USERS} > summary").click()
        await expect(plain.locator(f"{USERS} pre")).to_be_visible()
        await expect(plain.locator("#search")).to_be_hidden()
        await expect(plain.locator(".unstarted")).to_be_hidden()
    finally:
        await bare.close()
