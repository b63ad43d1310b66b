"""Logging in, over HTTP: cookies, CSRF, throttle, equal answers."""

import asyncio
from typing import Any

import pytest
from ccserver.domain.access import Role
from ccserver.web import cookies

from tests.rig.office import PASSWORD, Office

pytestmark = pytest.mark.postgres

NEW = "Battery-Staple-9"


async def test_login_gives_a_session(office: Office) -> None:
    anna = await office.person("anna", Role.SUPERVISOR)
    browser = await office.browser(anna)
    me = await browser.get("/api/me")
    assert me.status == 200
    assert me.json["login"] == "anna"
    assert "see_board" in me.json["abilities"]
    assert "manage_users" not in me.json["abilities"]


async def test_the_cookies_are_closed_to_scripts_and_to_other_sites(office: Office) -> None:
    await office.person("anna")
    answer = await (await office.caller()).login("anna")
    set_cookies = {line.split("=", 1)[0]: line for line in answer.headers.getall("Set-Cookie")}
    assert "HttpOnly" in set_cookies["ccs_access"] and "SameSite=Lax" in set_cookies["ccs_access"]
    assert "HttpOnly" in set_cookies["ccs_refresh"] and "SameSite=Strict" in set_cookies["ccs_refresh"]
    assert "Path=/api/auth" in set_cookies["ccs_refresh"]
    assert "HttpOnly" not in set_cookies["ccs_csrf"]
    assert "refresh_token" not in answer.json


async def test_behind_https_the_cookies_are_secure(office: Office) -> None:
    await office.person("anna")
    caller = await office.caller()
    caller.client.server.app[cookies.keys.ADDRESSES]._trusted += _loopback()  # a proxy on this machine
    answer = await caller.post(
        "/api/auth/login",
        {"login": "anna", "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"},
    )
    assert all("Secure" in line for line in answer.headers.getall("Set-Cookie"))
    assert answer.headers["Strict-Transport-Security"]


def _loopback() -> tuple[object, ...]:
    return cookies.keys.Addresses(["127.0.0.0/8"])._trusted


async def test_a_login_is_not_case_sensitive_and_a_password_is(office: Office) -> None:
    await office.person("anna")
    caller = await office.caller()
    assert (await caller.login("ANNA")).status == 200
    assert (await caller.login("anna", PASSWORD.lower())).status == 401


async def test_wrong_password_unknown_user_and_inactive_user_get_the_same_answer(office: Office) -> None:
    admin = await office.person("root", Role.ADMIN)
    await office.person("anna")
    gone = await office.person("gone")
    browser = await office.browser(admin)
    assert (await browser.patch(f"/api/users/{gone.id}", {"active": False})).status == 200
    caller = await office.caller()
    answers = [
        await caller.login("anna", "wrong password"),
        await caller.login("nobody", "wrong password"),
        await caller.login("gone", PASSWORD),
    ]
    bodies = [{**answer.json, "request_id": ""} for answer in answers]
    assert [answer.status for answer in answers] == [401, 401, 401]
    assert bodies[0] == bodies[1] == bodies[2]
    assert answers[0].code == "wrong_credentials"
    assert not any("Set-Cookie" in answer.headers for answer in answers)


async def test_an_unknown_user_costs_a_hash_as_well(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.person("anna")
    caller = await office.caller()
    work: list[str] = []
    run = office.hashing._run

    async def counted(function: Any, *arguments: str) -> Any:
        work.append(function.__name__)
        return await run(function, *arguments)

    monkeypatch.setattr(office.hashing, "_run", counted)
    counts = []
    for login in ("anna", "nobody", "nobody", "anna"):
        work.clear()
        await caller.login(login, "wrong password")
        counts.append(len(work))
    assert counts == [1, 1, 1, 1]


async def test_failures_are_throttled_alike_for_known_and_unknown_accounts(office: Office) -> None:
    office.clock.stop()
    await office.person("anna")
    for login in ("anna", "nobody"):
        caller = await office.caller()
        statuses = [(await caller.login(login, "wrong password")).status for _ in range(7)]
        assert statuses == [401, 401, 401, 401, 401, 429, 429]
        refused = await caller.login(login, PASSWORD)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1


async def test_a_throttled_account_opens_again_and_success_forgives(office: Office) -> None:
    office.clock.stop()
    await office.person("anna")
    caller = await office.caller()
    for _ in range(5):
        await caller.login("anna", "wrong password")
    assert (await caller.login("anna")).status == 429
    office.clock.pass_seconds(2)
    assert (await caller.login("anna")).status == 200
    statuses = [(await caller.login("anna", "wrong password")).status for _ in range(4)]
    assert statuses == [401] * 4


async def test_attempts_sent_at_once_do_not_slip_through(office: Office) -> None:
    office.clock.stop()
    await office.person("anna")
    callers = [await office.caller() for _ in range(12)]
    answers = await asyncio.gather(*(caller.login("anna", "wrong password") for caller in callers))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_one_address_cannot_try_many_accounts(office: Office) -> None:
    office.clock.stop()
    caller = await office.caller()
    statuses = [(await caller.login(f"user{n}", "wrong password")).status for n in range(23)]
    assert statuses == [401] * 21 + [429] * 2


async def test_a_cookie_client_needs_the_csrf_token(office: Office) -> None:
    browser = await office.browser(await office.person("anna"))
    other = await office.browser(await office.person("bob"))
    for token in ("", "0" * 64, other.cookie("ccs_csrf"), "\u20ac"):
        refused = await browser.patch(
            "/api/me", {"locale": "en"}, headers={"X-CSRF-Token": token.encode().decode("latin-1")}
        )
        assert (refused.status, refused.code) == (403, "csrf")
    assert (await browser.patch("/api/me", {"locale": "en"})).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_another_sites_page_is_refused(office: Office, origin: str) -> None:
    browser = await office.browser(await office.person("anna"))
    headers = {"Origin": origin}
    assert (await browser.patch("/api/me", {"locale": "en"}, headers=headers)).code == "csrf"
    # Nobody can be logged in by another site either.
    login = {"login": "anna", "password": PASSWORD}
    assert (await browser.post("/api/auth/login", login, headers=headers)).code == "csrf"
    assert (await browser.post("/api/auth/refresh", {}, headers=headers)).code == "csrf"


async def test_our_own_origin_is_welcome_and_programs_need_no_token(office: Office) -> None:
    browser = await office.browser(await office.person("anna", Role.SUPERVISOR))
    own = f"http://{browser.client.host}:{browser.client.port}"
    assert (await browser.patch("/api/me", {"locale": "en"}, headers={"Origin": own})).status == 200
    program = await office.caller()
    await program.login_as_program("anna")
    assert (await program.patch("/api/me", {"locale": "fr"})).status == 200
