"""Static files: URLs that change with the content, cached for ever; icons that exist; scripts that resolve."""

import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from ccserver.web.assets import STYLESHEET, WEB_ROOT, Assets, setup_assets

TEMPLATES = WEB_ROOT / "templates"
SCRIPTS = WEB_ROOT / "static" / "js"


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets()


async def client(assets: Assets) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    setup_assets(app, assets)
    made = TestClient(TestServer(app))
    await made.start_server()
    return made


async def test_hashed_urls_are_kept_for_ever(assets: Assets) -> None:
    async with await client(assets) as http:
        response = await http.get(assets.url(STYLESHEET))
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]
        assert response.content_type == "text/css"
        assert ":root" in await response.text()


async def test_other_urls_are_revalidated(assets: Assets) -> None:
    async with await client(assets) as http:
        response = await http.get("/static/icons.svg?v=old")
        assert response.headers["Cache-Control"] == "no-cache"
        again = await http.get("/static/icons.svg", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status == 304


@pytest.mark.parametrize(
    "path", ["nothing.js", "../templates/base.html", "%2e%2e/templates/base.html", "css"]
)
async def test_nothing_else_is_served(assets: Assets, path: str) -> None:
    async with await client(assets) as http:
        assert (await http.get(f"/static/{path}")).status == 404


def test_the_url_changes_with_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    assets = Assets(tmp_path, watch=True)
    before = assets.url("a.js")
    (tmp_path / "a.js").write_text("22")
    assets.refresh()
    assert assets.url("a.js") != before


def test_layers_come_in_order(assets: Assets) -> None:
    text = assets.text(STYLESHEET)
    assert text.index("@layer tokens, base") < text.index("@layer base {") < text.index("@layer pages {")
    assert "../fonts" not in text


def test_every_import_is_in_the_map(assets: Assets) -> None:
    names = set(assets.import_map()["imports"])
    for script in SCRIPTS.rglob("*.js"):
        for name in re.findall(r'^import .*? from "([^"]+)";', script.read_text(), re.MULTILINE):
            assert name in names, f"{script.name} imports {name}"


def test_modules_know_only_those_below() -> None:
    floors = {"lib": {"lib"}, "controllers": {"lib", "controllers"}, "pages": {"lib", "controllers"}}
    for folder, allowed in floors.items():
        for script in (SCRIPTS / folder).glob("*.js"):
            imported = {n.split("/")[0] for n in re.findall(r'from "([^"]+)"', script.read_text())}
            assert imported <= allowed, script.name


def test_every_icon_used_exists_and_every_icon_is_used() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (WEB_ROOT / "static" / "icons.svg").read_text()))
    used: set[str] = set()
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        used |= set(re.findall(r'icon\("([a-z-]+)"', text)) | set(re.findall(r'empty\("([a-z-]+)"', text))
        used |= {n for n in re.findall(r'"([a-z]+(?:-[a-z0-9]+)*)"', text) if n in sprite}
    for script in SCRIPTS.rglob("*.js"):
        used |= {n for n in re.findall(r'"([a-z]+(?:-[a-z0-9]+)*)"', script.read_text()) if n in sprite}
    python = (WEB_ROOT.parent / "ccserver" / "web" / "rendering.py").read_text()
    used |= {n for n in re.findall(r'"([a-z]+(?:-[a-z0-9]+)*)"', python) if n in sprite}
    assert used <= sprite, used - sprite
    assert sprite <= used, sprite - used


def test_templates_have_no_inline_style_or_handler() -> None:
    for template in TEMPLATES.rglob("*.html"):
        assert not re.search(r'\s(style|on[a-z]+)="', template.read_text()), template.name


async def test_the_icon_that_browsers_ask_for_by_themselves(assets: Assets) -> None:
    async with await client(assets) as http:
        response = await http.get("/favicon.ico")
        assert (response.status, response.content_type) == (200, "image/svg+xml")
