"""Staying logged in, and no longer: refresh, reuse, logout, the last login wins, ended sessions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from ccserver.domain.access import Role
from ccserver.domain.errors import Unauthenticated
from ccserver.services.sessions import Sessions
from ccserver.storage.pool import Connection
from ccserver.storage.sessions import session_states

from tests.rig.office import PASSWORD, Office

pytestmark = pytest.mark.postgres

NEW = "Battery-Staple-9"


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
    office.clock.stop()
    office.database.up = False
    try:
        office.clock.pass_seconds(600)
        assert (await office.sessions.revalidate([])) == {}
        refused = await known.get("/api/users")
        assert refused.status == 403  # known, and told that agents may not
        later = await known.get("/api/calls")
        assert (later.status, later.code) == (503, "database_away")
        assert later.headers["Retry-After"]
        answer = await (await office.caller()).login(bob.login)
        assert (answer.status, answer.code) == (503, "database_away")
    finally:
        office.database.up = True
    assert (await known.get("/api/me")).status == 200


async def test_another_node_hears_of_an_ended_session_at_once(office: Office) -> None:
    office.clock.stop()
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


async def test_an_answer_that_was_overtaken_by_news_is_not_kept(office: Office) -> None:
    program = await office.caller()
    await office.person("anna", Role.AGENT)
    session_id = UUID((await program.login_as_program("anna")).json["user"]["session_id"])
    office.clock.pass_seconds(10)
    asked, answered = asyncio.Event(), asyncio.Event()
    system = office.database.system

    @contextlib.asynccontextmanager
    async def slow() -> AsyncIterator[Connection]:
        async with system() as connection:
            yield connection
            asked.set()
            await answered.wait()

    office.database.system = slow  # type: ignore[method-assign]
    looking = asyncio.create_task(office.sessions.actor(session_id))
    await asked.wait()
    office.database.system = system  # type: ignore[method-assign]
    assert (await program.post("/api/auth/logout")).status == 204
    answered.set()
    with pytest.raises(Unauthenticated) as error:  # asked before the end, and told of it all the same
        await looking
    assert error.value.code == "signed_out"
    assert (await program.get("/api/me")).code == "signed_out"
