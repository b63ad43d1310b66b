"""Logging in and staying logged in, over HTTP."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from ccserver.domain.access import Role
from ccserver.domain.errors import Unauthenticated
from ccserver.services.hashing import Hashing
from ccserver.services.sessions import Sessions
from ccserver.storage.sessions import session_states
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
    costs: list[str] = []
    fits = office.hashing._fits
    monkeypatch.setattr(office.hashing, "_fits", lambda h, p: (costs.append(h.split("$")[3]), fits(h, p))[1])
    await caller.login("anna", "wrong password")
    await caller.login("nobody", "wrong password")
    assert len(costs) == 2
    assert costs[0] == costs[1]


async def test_failures_are_throttled_alike_for_known_and_unknown_accounts(office: Office) -> None:
    await office.person("anna")
    for login in ("anna", "nobody"):
        caller = await office.caller()
        statuses = [(await caller.login(login, "wrong password")).status for _ in range(7)]
        assert statuses == [401, 401, 401, 401, 401, 429, 429]
        refused = await caller.login(login, PASSWORD)
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1


async def test_a_throttled_account_opens_again_and_success_forgives(office: Office) -> None:
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
    await office.person("anna")
    callers = [await office.caller() for _ in range(12)]
    answers = await asyncio.gather(*(caller.login("anna", "wrong password") for caller in callers))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [429] * 7


async def test_one_address_cannot_try_many_accounts(office: Office) -> None:
    caller = await office.caller()
    statuses = [(await caller.login(f"user{n}", "wrong password")).status for n in range(23)]
    assert statuses[:21] == [401] * 21
    assert 429 in statuses[21:]


async def test_refresh_rotates(office: Office) -> None:
    anna = await office.person("anna")
    browser = await office.browser(anna)
    first = browser.cookie("ccs_refresh")
    answer = await browser.post("/api/auth/refresh", {})
    assert answer.status == 200
    assert browser.cookie("ccs_refresh") != first
    assert (await browser.get("/api/me")).status == 200


async def test_a_reused_refresh_token_ends_the_session(office: Office) -> None:
    await office.person("anna")
    thief, program = await office.caller(), await office.caller()
    first = (await program.login_as_program("anna")).json["refresh_token"]
    second = (await program.post("/api/auth/refresh", {"refresh_token": first})).json
    assert second["refresh_token"] != first
    reused = await thief.post("/api/auth/refresh", {"refresh_token": first})
    assert (reused.status, reused.code) == (401, "token_reused")
    assert (await program.post("/api/auth/refresh", {"refresh_token": second["refresh_token"]})).status == 401
    me = await program.get("/api/me")
    assert (me.status, me.code) == (401, "token_reused")
    assert [n["reason"] for n in office.notices()] == ["token_reused"]


async def test_of_two_refreshes_at_once_one_wins_and_the_session_ends(office: Office) -> None:
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    answers = await asyncio.gather(
        *(program.post("/api/auth/refresh", {"refresh_token": token}) for _ in range(2))
    )
    assert sorted(answer.status for answer in answers) in ([200, 401], [401, 401])
    assert (await program.get("/api/me")).status == 401


async def test_an_invented_refresh_token_is_refused(office: Office) -> None:
    caller = await office.caller()
    assert (await caller.post("/api/auth/refresh", {"refresh_token": "x" * 43})).status == 401
    assert (await caller.post("/api/auth/refresh", {})).status == 401


async def test_a_session_expires(office: Office) -> None:
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    office.clock.pass_seconds(16 * 3600 + 1)
    me = await program.get("/api/me")
    assert (me.status, me.code) == (401, "session_expired")
    assert (await program.post("/api/auth/refresh", {"refresh_token": token})).code == "session_expired"


async def test_logout_ends_the_session_and_clears_the_cookies(office: Office) -> None:
    anna = await office.person("anna")
    browser = await office.browser(anna)
    kept = browser.cookie("ccs_access")
    assert (await browser.post("/api/auth/logout")).status == 204
    assert browser.cookie("ccs_access") == ""
    browser.bearer = kept
    me = await browser.get("/api/me")
    assert (me.status, me.code) == (401, "signed_out")


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzaWQiOiIwIn0.", "\u00e9", "x" * 5000]
)
async def test_a_token_that_is_not_ours_opens_nothing(office: Office, token: str) -> None:
    caller = await office.caller()
    answer = await caller.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_last_login_of_an_agent_wins(office: Office) -> None:
    anna = await office.person("anna", Role.AGENT)
    first, second = await office.browser(anna), await office.browser(anna)
    refused = await first.get("/api/me")
    assert (refused.status, refused.code) == (401, "session_replaced")
    assert (await second.get("/api/me")).status == 200
    [notice] = office.notices()
    assert (notice["kind"], notice["reason"], notice["user_id"]) == (
        "session_ended",
        "session_replaced",
        str(anna.id),
    )
    [change] = [c for c in office.announced if c.key == notice["session_id"]]
    assert (change.topic, change.user_id, change.tenant_id) == ("me", anna.id, anna.tenant_id)


async def test_logins_of_an_agent_at_once_leave_one_session(office: Office) -> None:
    await office.person("anna", Role.AGENT)
    callers = [await office.caller() for _ in range(3)]
    answers = await asyncio.gather(*(caller.login_as_program("anna") for caller in callers))
    # One that was replaced before its answer was ready is told so at once.
    assert {(a.status, a.json.get("code", "")) for a in answers} <= {(200, ""), (401, "session_replaced")}
    assert sorted([(await caller.get("/api/me")).status for caller in callers]) == [200, 401, 401]


async def test_a_supervisor_may_be_logged_in_twice(office: Office) -> None:
    sam = await office.person("sam", Role.SUPERVISOR)
    first, second = await office.browser(sam), await office.browser(sam)
    assert (await first.get("/api/me")).status == 200
    assert (await second.get("/api/me")).status == 200


async def test_a_password_to_be_changed_blocks_everything_else(office: Office) -> None:
    admin = await office.person("root", Role.ADMIN, must_change=True)
    browser = await office.browser(admin)
    assert (await browser.get("/api/me")).json["abilities"] == ["session"]
    for path in ("/api/users", "/api/sites", "/api/trunks", "/api/dids"):
        refused = await browser.get(path)
        assert (refused.status, refused.code) == (403, "must_change_password")
    done = await browser.post(
        "/api/auth/change-password", {"current_password": PASSWORD, "new_password": NEW}
    )
    assert done.status == 204
    assert (await browser.get("/api/users")).status == 200
    assert (await (await office.caller()).login("root", NEW)).status == 200


async def test_changing_the_password_ends_the_other_sessions(office: Office) -> None:
    sam = await office.person("sam", Role.SUPERVISOR)
    here, there = await office.browser(sam), await office.browser(sam)
    await here.post("/api/auth/change-password", {"current_password": PASSWORD, "new_password": NEW})
    assert (await here.get("/api/me")).status == 200
    refused = await there.get("/api/me")
    assert (refused.status, refused.code) == (401, "password_changed")


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        ("not the password", NEW, "current_password", "password_wrong"),
        (PASSWORD, "short", "new_password", "password_short"),
        (PASSWORD, "password123", "new_password", "password_common"),
        (PASSWORD, "maximilien1", "new_password", "password_is_login"),
        (PASSWORD, PASSWORD, "new_password", "password_same"),
    ],
)
async def test_a_bad_new_password_is_refused(
    office: Office, current: str, new: str, field: str, code: str
) -> None:
    browser = await office.browser(await office.person("maximilien"))
    refused = await browser.post(
        "/api/auth/change-password", {"current_password": current, "new_password": new}
    )
    assert refused.status == 422
    assert refused.fields == {field: code}


async def test_guessing_the_present_password_is_throttled(office: Office) -> None:
    browser = await office.browser(await office.person("anna"))
    body = {"current_password": "a wrong guess", "new_password": NEW}
    statuses = [(await browser.post("/api/auth/change-password", body)).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]


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


async def test_an_outdated_hash_is_made_anew_at_login(office: Office) -> None:
    anna = await office.person("anna")
    async with office.database.system() as connection:
        before = await connection.fetchval("SELECT password_hash FROM users WHERE id = $1", anna.id)
        assert before.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    office.hashing._hasher = Hashing(memory_kib=128, passes=1)._hasher
    await office.browser(anna)
    async with office.database.system() as connection:
        after = await connection.fetchval("SELECT password_hash FROM users WHERE id = $1", anna.id)
    assert after.startswith("$argon2id$v=19$m=128,")
    assert (await (await office.caller()).login("anna")).status == 200


async def test_passwords_and_tokens_are_stored_as_hashes_only(office: Office) -> None:
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    async with office.database.system() as connection:
        stored = str(await connection.fetch("SELECT * FROM refresh_tokens"))
        stored += str(await connection.fetch("SELECT * FROM users"))
        stored += str(await connection.fetch("SELECT * FROM login_failures"))
        stored += str(await connection.fetch("SELECT * FROM audit_log"))
    assert token not in stored
    assert PASSWORD not in stored


async def test_revalidate_tells_open_sessions_from_ended_ones(office: Office) -> None:
    anna = await office.person("anna", Role.AGENT)
    await office.browser(anna)
    await office.browser(anna)
    async with office.database.system() as connection:
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM sessions ORDER BY id")]
        assert len(await session_states(connection, ids)) == 2
    found = await office.sessions.revalidate([*ids, anna.id])
    assert found[ids[0]] is None
    assert found[ids[1]] is not None and found[ids[1]].login == "anna"
    assert found[anna.id] is None


async def test_while_the_database_is_away_those_who_are_known_stay(office: Office) -> None:
    anna, bob = await office.person("anna"), await office.person("bob")
    known = await office.browser(anna)
    await known.get("/api/me")
    office.database.up = False
    try:
        office.clock.pass_seconds(600)
        assert (await office.sessions.revalidate([])) == {}
        refused = await known.get("/api/users")
        assert refused.status == 403  # known, and told that agents may not
        later = await known.get("/api/me")
        assert (later.status, later.code) == (503, "database_away")
        assert later.headers["Retry-After"]
        answer = await (await office.caller()).login(bob.login)
        assert (answer.status, answer.code) == (503, "database_away")
    finally:
        office.database.up = True
    assert (await known.get("/api/me")).status == 200


async def test_bootstrap_on_loopback_is_admin_admin_and_must_change(office: Office) -> None:
    made = await office.accounts.bootstrap(password="", loopback=True)
    assert made is not None and (made.login, made.password, made.generated) == ("admin", "admin", False)
    assert await office.accounts.bootstrap(password="", loopback=True) is None
    browser = await office.caller()
    answer = await browser.login("admin", "admin")
    assert answer.json["user"]["must_change_password"] is True
    assert answer.json["user"]["role"] == "ADMIN"
    assert (await browser.get("/api/users")).code == "must_change_password"


async def test_bootstrap_beyond_loopback_is_random_or_given(office: Office) -> None:
    made = await office.accounts.bootstrap(password="", loopback=False)
    assert made is not None and made.generated and len(made.password) >= 12
    assert (await (await office.caller()).login("admin", "admin")).status == 401
    assert (await (await office.caller()).login("admin", made.password)).status == 200


async def test_bootstrap_with_a_given_password(office: Office) -> None:
    made = await office.accounts.bootstrap(password="given-by-operator", loopback=False)
    assert made is not None and not made.generated
    assert (await (await office.caller()).login("admin", "given-by-operator")).status == 200


async def test_a_well_known_password_does_not_follow_the_server_beyond_loopback(office: Office) -> None:
    await office.accounts.bootstrap(password="", loopback=True)
    made = await office.accounts.bootstrap(password="", loopback=False)
    assert made is not None and made.generated
    assert (await (await office.caller()).login("admin", "admin")).status == 401
    assert await office.accounts.bootstrap(password="", loopback=False) is None


async def test_servers_that_start_together_make_one_account(office: Office) -> None:
    made = await asyncio.gather(*(office.accounts.bootstrap(password="", loopback=True) for _ in range(4)))
    assert len([one for one in made if one]) == 1


async def test_another_node_hears_of_an_ended_session_at_once(office: Office) -> None:
    anna = await office.person("anna", Role.AGENT)
    program = await office.caller()
    session_id = UUID((await program.login_as_program("anna")).json["user"]["session_id"])
    elsewhere = Sessions(
        office.database,
        office.sessions._announce,
        clock=office.clock,
        monotonic=office.clock.monotonic,
        lifetime=timedelta(hours=16),
    )
    assert (await elsewhere.actor(session_id)).user_id == anna.id
    office.announced.clear()
    await office.browser(anna)
    # Within the cache's 5 s the other node has not noticed, until the announcement reaches it.
    assert (await elsewhere.actor(session_id)).user_id == anna.id
    elsewhere.observe(office.announced)
    with pytest.raises(Unauthenticated) as error:
        await elsewhere.actor(session_id)
    assert error.value.code == "session_replaced"


async def test_what_is_old_is_forgotten(office: Office) -> None:
    await office.person("anna")
    caller = await office.caller()
    await caller.login("anna", "wrong password")
    await caller.login("anna")
    office.clock.pass_seconds(3600)
    await office.accounts.forget_old()
    async with office.database.system() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 1
    office.clock.pass_seconds(32 * 86400)
    await office.accounts.forget_old()
    async with office.database.system() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
        assert await connection.fetchval("SELECT count(*) FROM refresh_tokens") == 0
        assert await connection.fetchval("SELECT count(*) FROM login_failures") == 0
