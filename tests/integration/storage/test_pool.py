"""The database: there, away, back; and what its refusals become."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from ccserver.background import Supervisor
from ccserver.domain.account import SiteRow
from ccserver.domain.errors import Conflict, Invalid, Unavailable
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate, sites, trunks, users
from ccserver.storage.constraints import _TAKEN, _UNKNOWN
from ccserver.storage.pool import Database

from tests.rig.wait import until

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def _site(slug: str, name: str = "") -> SiteRow:
    return SiteRow(id=uuid4(), slug=slug, name=name or slug, zone="Europe/Paris", country="FR", caller_id="")


@pytest.fixture
def own_postgres(tmp_path: Path) -> EmbeddedPostgres:
    """A server of this test's own, to be stopped and started."""
    return EmbeddedPostgres(tmp_path / "postgres", durable=False)


async def _until(database: Database, up: bool) -> None:
    await until(lambda: database.up is up, f"the database is {'up' if up else 'away'}")


async def test_a_raised_error_rolls_back(database: Database) -> None:
    tenant = uuid4()
    with pytest.raises(ZeroDivisionError):
        async with database.system() as connection:
            await users.insert_tenant(connection, tenant, "acme", "Acme", NOW)
            raise ZeroDivisionError
    async with database.system() as connection:
        assert await users.first_tenant(connection) is None


async def test_constraints_become_domain_errors(database: Database) -> None:
    tenant = uuid4()
    async with database.system() as connection:
        await users.insert_tenant(connection, tenant, "acme", "Acme", NOW)
    async with database.tenant(tenant) as connection:
        await sites.insert_site(connection, tenant, _site("paris", "Paris"), NOW)
    with pytest.raises(Conflict) as slug:
        async with database.tenant(tenant) as connection:
            await sites.insert_site(connection, tenant, _site("paris", "Other"), NOW)
    assert (slug.value.code, slug.value.params["field"]) == ("slug_taken", "slug")
    with pytest.raises(Conflict, match="name_taken"):
        async with database.tenant(tenant) as connection:
            await sites.insert_site(connection, tenant, _site("other", "Paris"), NOW)
    trunk = trunks.TrunkRow(
        id=uuid4(), site_id=uuid4(), slug="t", host="h", port=5060, codecs=("alaw",), priority=1
    )
    with pytest.raises(Invalid) as unknown:
        async with database.tenant(tenant) as connection:
            await trunks.insert_trunk(connection, tenant, trunk, NOW)
    assert [(e.field, e.code) for e in unknown.value.errors] == [("site_id", "unknown")]


async def test_networks_of_two_organisations_are_written_one_after_the_other(database: Database) -> None:
    """Both written at once, each would wait for the other's: a deadlock, and no answer to who came second."""
    written, free = asyncio.Event(), asyncio.Event()

    async def write(slug: str) -> None:
        async with database.system() as connection:
            tenant, site = uuid4(), _site(slug)
            await users.insert_tenant(connection, tenant, slug, slug, NOW)
            await sites.insert_site(connection, tenant, site, NOW)
            trunk = trunks.TrunkRow(
                id=uuid4(),
                site_id=site.id,
                slug=slug,
                host=f"{slug}.invalid",
                port=5060,
                codecs=("alaw",),
                priority=1,
                addresses=("10.7.0.0/24",),
            )
            await trunks.insert_trunk(connection, tenant, trunk, NOW)
            if slug == "first":
                written.set()
                await free.wait()

    async def refused() -> None:
        with pytest.raises(Conflict, match="addresses_overlap"):
            await write("second")

    async def waiting() -> bool:
        async with database.system() as connection:
            return await connection.fetchval(
                "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )

    async with asyncio.TaskGroup() as group:
        group.create_task(write("first"))
        await written.wait()
        group.create_task(refused())
        await until(waiting, "one of them waits before it writes")
        free.set()


async def test_every_constraint_of_the_table_exists(database: Database) -> None:
    async with database.system() as connection:
        rows = await connection.fetch(
            "SELECT conname AS name FROM pg_constraint UNION SELECT indexname FROM pg_indexes"
        )
    assert {*_TAKEN, *_UNKNOWN} <= {row["name"] for row in rows}


async def test_a_mistake_of_ours_is_not_called_away(database: Database) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        async with database.system() as connection:
            await connection.execute("SELEKT 1")
    with pytest.raises(asyncpg.CheckViolationError):
        async with database.system() as connection:
            await users.insert_tenant(connection, uuid4(), "NOT A SLUG", "x", NOW)
    with pytest.raises(asyncpg.InterfaceError):
        async with database.system() as connection:
            await connection.execute("SELECT $1::int", "not a number", "one too many")
    assert database.up


async def test_a_statement_that_takes_too_long_is_cut(database_url: str, supervisor: Supervisor) -> None:
    database = Database(database_url, supervisor, statement_timeout_seconds=5)
    await database.start()
    await _until(database, True)
    with pytest.raises(Unavailable) as cut:
        async with database.system() as connection:
            await connection.execute("SELECT pg_sleep(100)")
    assert isinstance(cut.value.__cause__, asyncpg.QueryCanceledError | TimeoutError)
    await _until(database, True)
    async with database.system() as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await database.close()


async def test_full_pools_are_no_dead_server(database: Database) -> None:
    async def hold(held: asyncio.Event, free: asyncio.Event) -> None:
        async with database.system():
            held.set()
            await free.wait()

    free = asyncio.Event()
    holds = [asyncio.Event() for _ in range(5)]
    tasks = [asyncio.create_task(hold(held, free)) for held in holds]
    await asyncio.gather(*(held.wait() for held in holds))
    looked = _looks_of(database)
    database._doubt.set()
    async with asyncio.timeout(30):
        await looked.wait()
    assert database.up
    free.set()
    await asyncio.gather(*tasks)


def _looks_of(database: Database) -> asyncio.Event:
    """Set when the watch has looked at the server, and found it there."""
    looked = asyncio.Event()
    probe = database._probe
    assert probe is not None
    ask: Callable[..., Awaitable[Any]] = probe.fetchval

    async def fetchval(*query: object, **options: Any) -> Any:
        answer = await ask(*query, **options)
        looked.set()
        return answer

    database._probe = SimpleNamespace(fetchval=fetchval, terminate=probe.terminate)  # type: ignore[assignment]
    return looked


async def test_starts_while_the_server_is_away_and_recovers_by_itself(
    own_postgres: EmbeddedPostgres, supervisor: Supervisor
) -> None:
    dsn = await own_postgres.start()
    await asyncio.to_thread(migrate.apply, dsn)
    await own_postgres.stop()
    database = Database(dsn, supervisor)
    await database.start()
    try:
        assert not database.up
        with pytest.raises(Unavailable):
            async with database.system():
                pass
        with pytest.raises(Unavailable):
            await database.connect()
        went = database.since
        await own_postgres.start()
        await _until(database, True)
        assert database.since >= went
        async with database.system() as connection:
            assert await connection.fetchval("SELECT current_user") == "ccserver_system"
        # Killed in the middle of a transaction: the caller is told, nothing is half done.
        with pytest.raises(Unavailable):
            async with database.system() as connection:
                await users.insert_tenant(connection, uuid4(), "half", "Half", NOW)
                await own_postgres.stop(at_once=True)
                await connection.execute("SELECT 1")
        await _until(database, False)
        await own_postgres.start()
        await _until(database, True)
        async with database.system() as connection:
            assert await users.first_tenant(connection) is None
    finally:
        await database.close()
        await own_postgres.stop()


async def test_a_connection_cut_by_the_server_is_replaced(
    database: Database, postgres: EmbeddedPostgres
) -> None:
    superuser = await asyncpg.connect(postgres.dsn("postgres", "postgres"))
    with pytest.raises(Unavailable):
        async with database.system() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await superuser.execute(
                "SELECT pg_terminate_backend($1, 30000)", pid
            )  # and wait until it is gone
            await connection.execute("SELECT 1")
    await superuser.close()
    await _until(database, True)
    async with database.system() as connection:
        assert await connection.fetchval("SELECT 1") == 1
