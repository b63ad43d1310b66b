"""PostgreSQL away for hours: who was in stays in, for a bounded time, and nobody who was put out comes back."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from ccserver.background import Supervisor
from ccserver.domain.access import Role
from ccserver.domain.errors import Unavailable
from ccserver.services.session_memory import OUTAGE_SECONDS, STALE_SECONDS
from ccserver.services.sessions import Sessions, ended_notice
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate
from ccserver.storage.pool import Connection, Database

from tests.rig.office import Answer, Caller, Office, Person
from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(240)]

REFRESH = "/api/auth/refresh"


@pytest.fixture
async def own_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server that the test may stop and start."""
    with tempfile.TemporaryDirectory(prefix="ccserver-outage-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


@contextlib.contextmanager
def away(office: Office) -> Iterator[None]:
    """The database as seen when nobody reaches it."""
    office.database.up = False
    try:
        yield
    finally:
        office.database.up = True


def forget_access(browser: Caller) -> None:
    """What a browser does with the access cookie when it has lived its minutes."""
    browser.client.session.cookie_jar.clear(lambda cookie: cookie.key == "ccs_access")


async def session_of(office: Office, person: Person) -> UUID:
    async with office.database.system() as connection:
        found: UUID = await connection.fetchval(
            "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL", person.id
        )
        return found


async def settled(browser: Caller) -> None:
    """Have the server look the session up: it is vouched for from now on."""
    assert (await browser.get("/api/me")).status == 200


async def renewed(browser: Caller) -> Answer:
    """What the page does when its access cookie is gone."""
    forget_access(browser)
    return await browser.post(REFRESH, {})


class TestOnARealServer:
    """PostgreSQL is really stopped and started."""

    @pytest.fixture
    async def database_url(self, own_postgres: EmbeddedPostgres) -> str:
        dsn = own_postgres.dsn()
        await asyncio.to_thread(migrate.apply, dsn)
        return dsn

    async def test_a_board_outlives_an_outage_of_hours(
        self, office: Office, own_postgres: EmbeddedPostgres, database: Database, supervisor: Supervisor
    ) -> None:
        supervisor.spawn("sessions kept", office.sessions.keep_books)
        sam = await office.person("sam", Role.SUPERVISOR)
        await office.person("eve", Role.SUPERVISOR)
        browser = await office.browser(sam)
        await settled(browser)
        first = browser.cookie("ccs_refresh")
        await own_postgres.stop()
        await until(lambda: not database.up, "the loss is noticed", 60)
        there = database.there_seconds()
        for _ in range(3):
            office.clock.pass_seconds(3600)
            answer = await renewed(browser)
            assert answer.status == 200
            assert answer.json["user"]["login"] == "sam"
            assert answer.json["kept_until"] > 0
            assert browser.cookie("ccs_refresh") == first, "nothing is swapped that cannot be written down"
            assert (await browser.get("/api/me")).json["role"] == "SUPERVISOR"
        office.contract = None
        board = await browser.get("/board", headers={"Accept": "text/html"})
        assert (board.status, b'id="agents"' in board.body) == (200, True)
        calls = await browser.get("/api/calls")
        assert (calls.status, calls.code) == (503, "database_away")
        stranger = await (await office.caller()).login("eve")
        assert (stranger.status, stranger.code) == (503, "database_away")
        assert database.there_seconds() == there > 0, "it counts only while PostgreSQL is there"
        await own_postgres.start()
        await until(lambda: database.up, "the return is noticed", 60)
        await until(lambda: database.there_seconds() > there, "it counts again", 60)
        answer = await renewed(browser)
        assert answer.status == 200
        assert "kept_until" not in answer.json
        assert browser.cookie("ccs_refresh") != first

        async def audited() -> bool:
            async with database.system() as connection:
                row = await connection.fetchrow(
                    "SELECT user_id, detail FROM audit_log WHERE action = 'session.kept'"
                )
            return row is not None and row["user_id"] == sam.id and '"times": "3"' in str(row["detail"])

        await until(audited, "the audit log tells of it", 60)

    async def test_who_was_put_out_meanwhile_is_out_at_once_when_it_is_back(
        self, office: Office, own_postgres: EmbeddedPostgres, database: Database
    ) -> None:
        sam = await office.person("sam", Role.SUPERVISOR)
        browser = await office.browser(sam)
        await settled(browser)
        await own_postgres.stop()
        await until(lambda: not database.up, "the loss is noticed", 60)
        office.clock.pass_seconds(1800)
        assert (await renewed(browser)).status == 200
        await own_postgres.start()
        await until(lambda: database.up, "the return is noticed", 60)
        async with database.system() as connection:
            await connection.execute("UPDATE users SET active = false WHERE id = $1", sam.id)
        refused = await browser.get("/api/me")
        assert (refused.status, refused.code) == (401, "deactivated")


async def test_an_end_that_was_announced_counts_without_the_database(office: Office) -> None:
    anna, bob = await office.person("anna"), await office.person("bob")
    browser, other = await office.browser(anna), await office.browser(bob)
    await settled(browser)
    await settled(other)
    notice = ended_notice(anna.tenant_id, anna.id, await session_of(office, anna), "deactivated", 0.0)
    with away(office):
        assert (await browser.get("/api/me")).status == 200
        office.sessions.observe([notice])
        refused = await browser.get("/api/me")
        assert (refused.status, refused.code) == (401, "deactivated")
        refused = await renewed(browser)
        assert (refused.status, refused.code) == (401, "deactivated")
        office.clock.pass_seconds(2 * STALE_SECONDS)
        assert (await renewed(other)).status == 200, "others are not concerned"


async def test_news_that_could_not_be_looked_up_are_a_doubt(office: Office) -> None:
    """Another role, other sites: what it is now only PostgreSQL knows."""
    sam = await office.person("sam", Role.SUPERVISOR)
    browser = await office.browser(sam)
    await settled(browser)
    with away(office):
        await office.sessions.told_profile(sam.tenant_id, sam.id)
        assert (await browser.get("/api/me")).status == 200
        kept_access = browser.cookie("ccs_access")
        assert (await renewed(browser)).status == 503
        office.clock.pass_seconds(STALE_SECONDS + 1)
        browser.bearer = kept_access
        assert (await browser.get("/api/me")).status == 503
    assert (await browser.get("/api/me")).status == 200


async def test_it_is_bounded(office: Office) -> None:
    browser = await office.browser(await office.person("anna"))
    await settled(browser)
    with away(office):
        office.clock.pass_seconds(OUTAGE_SECONDS - 60)
        answer = await renewed(browser)
        assert answer.status == 200
        assert 0 < answer.json["kept_until"] - office.clock().timestamp() <= 60
        office.clock.pass_seconds(61)
        refused = await browser.get("/api/me")
        assert (refused.status, refused.code) == (503, "database_away")
        assert (await renewed(browser)).status == 503
    assert (await renewed(browser)).status == 200, "the session itself was not over"


@pytest.mark.parametrize("token", ["x" * 43, ""])
async def test_a_token_that_was_never_ours_is_not_kept(office: Office, token: str) -> None:
    browser = await office.browser(await office.person("anna"))
    await settled(browser)
    with away(office):
        stranger = await office.caller()
        answer = await stranger.post(REFRESH, {"refresh_token": token})
        assert answer.status == (503 if token else 401)


async def test_an_old_token_is_not_kept(office: Office) -> None:
    await office.person("anna")
    program = await office.caller()
    first = (await program.login_as_program("anna")).json["refresh_token"]
    second = (await program.post(REFRESH, {"refresh_token": first})).json["refresh_token"]
    with away(office):
        assert (await program.post(REFRESH, {"refresh_token": first})).status == 503
        answer = await program.post(REFRESH, {"refresh_token": second})
        assert (answer.status, answer.json["refresh_token"]) == (200, second)


def another_node(
    office: Office,
    *,
    heard_since: Callable[[], float] = lambda: float("-inf"),
    there_seconds: Callable[[], float] | None = None,
    outage_seconds: float = OUTAGE_SECONDS,
    lifetime: timedelta = timedelta(hours=16),
) -> Sessions:
    """The sessions of another process on the same database."""
    return Sessions(
        office.database,
        office.sessions._announce,
        clock=office.clock,
        monotonic=office.clock.monotonic,
        lifetime=lifetime,
        heard_since=heard_since,
        there_seconds=there_seconds,
        outage_seconds=outage_seconds,
    )


async def test_a_token_that_another_node_has_swapped_is_old(office: Office) -> None:
    await office.person("anna")
    program = await office.caller()
    first = (await program.login_as_program("anna")).json["refresh_token"]
    elsewhere = another_node(office)
    swapped = await elsewhere.refresh(first)
    office.clock.pass_seconds(10)
    await settled(program)
    with away(office):
        assert (await program.post(REFRESH, {"refresh_token": first})).status == 503
        assert (await elsewhere.refresh(swapped.refresh)).kept_until is not None


async def test_a_token_that_another_node_may_have_swapped_unheard_is_not_kept(office: Office) -> None:
    """Its user went on at another node and closed the page here; then PostgreSQL went for both nodes."""
    await office.person("anna")
    program = await office.caller()
    first = (await program.login_as_program("anna")).json["refresh_token"]
    here = another_node(office, there_seconds=office.clock.monotonic)
    second = (await here.refresh(first)).refresh
    office.clock.pass_seconds(600)
    third = (await program.post(REFRESH, {"refresh_token": second})).json["refresh_token"]
    with away(office):
        with pytest.raises(Unavailable):
            await here.refresh(second)
        assert (await program.post(REFRESH, {"refresh_token": third})).status == 200


async def test_a_swap_that_was_committed_is_delivered_though_nothing_else_can_be_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL goes between the swap and its answer: the token that was swapped must reach its owner."""
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    office.accounts._seen.clear()

    def gone(_tenant_id: UUID) -> contextlib.AbstractAsyncContextManager[Connection]:
        raise Unavailable("database_away")

    with monkeypatch.context() as patched:
        patched.setattr(office.database, "tenant", gone)
        swapped = await program.post(REFRESH, {"refresh_token": token})
    assert (swapped.status, swapped.json["user"]["login"]) == (200, "anna")
    fresh = swapped.json["refresh_token"]
    assert fresh != token
    assert (await program.post(REFRESH, {"refresh_token": fresh})).status == 200


async def test_nobody_is_kept_where_announcements_may_have_been_missed(office: Office) -> None:
    """The bus was away: somebody may have been put out on another node, and this one has not heard of it."""
    await office.person("anna")
    program = await office.caller()
    first = (await program.login_as_program("anna")).json["refresh_token"]
    heard_since = float("-inf")
    node = another_node(office, heard_since=lambda: heard_since)
    swapped = await node.refresh(first)
    with away(office):
        assert (await node.refresh(swapped.refresh)).kept_until is not None
        heard_since = office.clock.monotonic()
        with pytest.raises(Unavailable):
            await node.refresh(swapped.refresh)
        assert (await node.actor(swapped.actor.session_id)).login == "anna", "as long as before"
        office.clock.pass_seconds(STALE_SECONDS + 1)
        with pytest.raises(Unavailable):
            await node.actor(swapped.actor.session_id)


async def test_a_node_that_was_restarted_knows_nobody_and_one_may_be_told_to_keep_nobody(
    office: Office,
) -> None:
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    strict = another_node(office, outage_seconds=0)
    swapped = await strict.refresh(token)
    with away(office):
        for node in (another_node(office), strict):
            with pytest.raises(Unavailable):
                await node.refresh(swapped.refresh)


async def test_a_session_that_expires_meanwhile_is_over(office: Office) -> None:
    browser = await office.browser(await office.person("anna"))
    office.clock.pass_seconds(15.5 * 3600)
    await settled(browser)
    with away(office):
        assert (await renewed(browser)).status == 200
        office.clock.pass_seconds(3600)
        refused = await renewed(browser)
        assert (refused.status, refused.code) == (401, "session_expired")


async def test_a_swap_that_was_cut_short_is_no_theft(office: Office) -> None:
    """PostgreSQL committed and went before it said so: the page comes back with the token that it has."""
    await office.person("anna")
    program = await office.caller()
    token = (await program.login_as_program("anna")).json["refresh_token"]
    system = office.database.system

    @contextlib.asynccontextmanager
    async def cut() -> AsyncIterator[Connection]:
        async with system() as connection:
            yield connection
        raise Unavailable("database_away")

    office.database.system = cut  # type: ignore[method-assign]
    kept = await program.post(REFRESH, {"refresh_token": token})
    assert (kept.status, kept.json["refresh_token"]) == (200, token)
    office.database.system = system  # type: ignore[method-assign]
    swapped = await program.post(REFRESH, {"refresh_token": token})
    assert swapped.status == 200
    assert swapped.json["refresh_token"] != token
    stolen = await program.post(REFRESH, {"refresh_token": token})
    assert (stolen.status, stolen.code) == (401, "token_reused")
