"""Every route, as every role, without a login, with a password to be changed, and from another organisation."""

import re
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from ccserver.domain.access import ABILITIES, Ability, Role
from ccserver.web import keys
from ccserver.web.route import Route

from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres

BODIES: dict[str, dict[str, Any]] = {
    "/api/auth/login": {"login": "nobody", "password": "wrong password"},
    "/api/auth/change-password": {"current_password": "wrong password", "new_password": "Battery-Staple-9"},
    "/api/me": {"locale": "fr"},
}


def _routes(office: Office) -> list[Route]:
    return list(office.server.app[keys.ROUTES])


def _path(route: Route, thing: UUID) -> str:
    return re.sub(r"\{[^}]+\}", str(thing), route.path)


def _body(route: Route) -> dict[str, Any] | None:
    return BODIES.get(route.path, {}) if route.body else None


async def _knock(caller: Caller, route: Route, thing: UUID) -> int:
    answer = await caller.send(route.method, _path(route, thing), _body(route))
    if route.page and answer.status == 303:
        # A page sends people to where they can put it right.
        return {"/login": 401, "/password": 403}.get(answer.headers["Location"].partition("?")[0], 303)
    return answer.status


def _is_ours(route: Route) -> bool:
    # Ending one's own session in the middle of the walk would end the walk, and a stream never ends.
    return route.path not in ("/api/auth/logout", "/api/events/stream")


async def test_every_registered_route_is_in_the_table(office: Office) -> None:
    table = {(route.method, route.path) for route in _routes(office)}
    served = {
        (route.method, route.resource.canonical)
        for route in office.server.app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    assert served - table == set()
    assert table - served == set()


async def test_routes_tell_what_they_need_and_return(office: Office) -> None:
    for route in _routes(office):
        assert route.summary, route.path
        assert route.method in ("GET", "POST", "PATCH", "PUT", "DELETE")
        assert route.handler.__module__.startswith("ccserver.web.")
        for kind in (route.body, route.query):
            if kind is not None:
                assert msgspec.structs.fields(kind)
                assert kind.__struct_config__.forbid_unknown_fields, f"{kind} takes unknown fields"


async def test_without_a_login_only_public_routes_answer(office: Office) -> None:
    caller = await office.caller()
    for route in _routes(office):
        status = await _knock(caller, route, uuid4())
        if route.ability is not Ability.PUBLIC:
            assert status == 401, route.path


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_its_abilities_say(office: Office, role: Role) -> None:
    browser = await office.browser(await office.person("walker", role))
    for route in filter(_is_ours, _routes(office)):
        status = await _knock(browser, route, uuid4())
        allowed = route.ability in ABILITIES[role] or route.ability in (Ability.PUBLIC, Ability.SESSION)
        if route.ability is not Ability.PUBLIC:
            assert (status != 403) is allowed, f"{role} {route.method} {route.path} answered {status}"
            assert status != 401
        assert status < 500 or status == 503, f"{route.method} {route.path} answered {status}"


async def test_a_password_to_be_changed_opens_session_routes_only(office: Office) -> None:
    browser = await office.browser(await office.person("fresh", Role.SUPER_ADMIN, must_change=True))
    for route in filter(_is_ours, _routes(office)):
        status = await _knock(browser, route, uuid4())
        if route.ability not in (Ability.PUBLIC, Ability.SESSION):
            assert status == 403, route.path


async def test_another_organisation_finds_nothing(office: Office) -> None:
    """What exists in one tenant does not exist for the administrators of another, on any route."""
    victim = await office.person("victim", Role.AGENT)
    elsewhere = await office.tenant("elsewhere")
    spy = await office.person("spy", Role.ADMIN, tenant_id=elsewhere)
    browser = await office.browser(spy)
    for route in filter(_is_ours, _routes(office)):
        if "{" in route.path:
            for thing in (victim.id, office.site.id, office.tenant_id):
                body = {} if route.body else None
                answer = await browser.send(route.method, _path(route, thing), body)
                # 503: what only the telephony owner could know, and none runs here.
                assert answer.status in (404, 422, 503), f"{route.method} {route.path} got {answer.status}"
        elif route.method == "GET":
            answer = await browser.get(route.path)
            assert str(victim.id).encode() not in answer.body
            assert str(office.site.id).encode() not in answer.body


async def test_another_organisations_things_cannot_be_pointed_to(office: Office) -> None:
    victim = await office.person("victim", Role.AGENT)
    elsewhere = await office.tenant("elsewhere")
    own_site = await office.site_of(elsewhere, "elsewhere-1")
    browser = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    foreign = str(office.site.id)
    trunk = await browser.post("/api/trunks", {"site_id": foreign, "slug": "t", "host": "10.0.0.1"})
    did = await browser.post("/api/dids", {"site_id": foreign, "number": "0123456789"})
    ringing = await browser.post(
        "/api/dids", {"site_id": str(own_site.id), "number": "0123456789", "user_id": str(victim.id)}
    )
    user = await browser.post("/api/users", {"login": "x1", "role": "AGENT", "site_id": foreign})
    scope = await browser.post("/api/users", {"login": "x2", "role": "SUPERVISOR", "site_ids": [foreign]})
    answers = [trunk, did, ringing, user, scope]
    assert [answer.status for answer in answers] == [422] * 5
    assert [next(iter(answer.fields)) for answer in answers] == [
        "site_id",
        "site_id",
        "user_id",
        "site_id",
        "site_ids",
    ]
