"""Shells: boot data that cannot break out of its element, navigation by abilities, both languages."""

import json
import re
from typing import Any

import pytest
from ccserver.domain.access import ABILITIES, Role
from ccserver.web.assets import Assets
from ccserver.web.i18n import Catalogues
from ccserver.web.rendering import NAV, Renderer, Shell, script_json


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(Assets(), Catalogues())


def me(role: Role, name: str = "Camille Roux") -> dict[str, Any]:
    abilities = sorted(ability.value for ability in ABILITIES[role])
    return {"id": "1", "login": "camille", "name": name, "role": role.value, "abilities": abilities}


def board(**changes: Any) -> Shell:
    shell = {
        "title": "Board",
        "module": "board",
        "path": "/board",
        "me": me(Role.ADMIN),
        "topics": ["agents"],
    }
    return Shell(**{**shell, **changes})


def boot_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="boot"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_boot_data_cannot_close_its_element(renderer: Renderer) -> None:
    evil = "</script><script>alert(1)</script><!--\u2028"
    page = renderer.render("pages/board.html", board(data={"evil": evil}, me=me(Role.ADMIN, evil)))
    assert "alert(1)</script>" not in page
    assert boot_of(page)["data"]["evil"] == evil
    assert "<script>alert" not in page


def test_script_json_has_no_markup() -> None:
    assert not set("<>&\u2028\u2029") & set(script_json({"a": "<>&\u2028\u2029"}))


@pytest.mark.parametrize("role", list(Role))
def test_navigation_follows_abilities(renderer: Renderer, role: Role) -> None:
    page = renderer.render("pages/board.html", board(me=me(role)))
    for item in NAV:
        assert (f'<a href="{item.path}"' in page) is (item.ability in ABILITIES[role]), item.path


def test_scripts_get_their_sentences(renderer: Renderer) -> None:
    messages = boot_of(renderer.render("pages/board.html", board()))["messages"]
    assert messages["Available"] == "Disponible"
    assert messages["%(n)s call"] == ["%(n)s appel", "%(n)s appels"]
    english = boot_of(renderer.render("pages/board.html", board(locale="en")))["messages"]
    assert "Available" not in english


def test_the_nonce_is_on_every_inline_script(renderer: Renderer) -> None:
    page = renderer.render("pages/board.html", board(nonce="abc"))
    assert all('nonce="abc"' in tag for tag in re.findall(r"<script[^>]*>", page))


def test_unknown_themes_are_the_systems(renderer: Renderer) -> None:
    page = renderer.render("pages/board.html", board(theme='"><script>'))
    assert 'data-theme="auto"' in page
