"""A real PostgreSQL for tests: one embedded server a session, one database a test, copied from a template."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from ccserver.background import Supervisor
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate, pool
from ccserver.storage.pool import Database

from tests.rig.homes import new_home, remove_home, root_in_memory

TEMPLATE = "ccserver_template"


def database_dsn(dsn: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


@pytest.fixture(scope="session", autouse=True)
def _patience() -> Iterator[None]:
    """A server that is slow, on a machine that has other work, is not taken for one that is away."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CONNECT_SECONDS", "PROBE_DEADLINE_SECONDS"):
            patch.setattr(pool, name, 30.0)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL server. Tests that stop servers make one of their own."""
    folder = new_home(root_in_memory())
    server = EmbeddedPostgres(folder, durable=False)
    # One loop for start and stop: the child process belongs to the loop that spawned it.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(server.start())
        yield server
    finally:
        loop.run_until_complete(server.stop())
        loop.close()
        remove_home(folder)


@pytest.fixture(scope="session")
def postgres_dsn(postgres: EmbeddedPostgres) -> str:
    """DSN of the session's server, under the role ``ccserver`` that owns the databases and is no superuser."""
    return postgres.dsn()


@pytest.fixture(scope="session")
def _template(postgres_dsn: str) -> str:
    asyncio.run(_administer(postgres_dsn, f'CREATE DATABASE "{TEMPLATE}"'))
    migrate.apply(database_dsn(postgres_dsn, TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def empty_dsn(postgres_dsn: str) -> AsyncIterator[str]:
    """DSN of an empty database of this test's own."""
    async for dsn in new_database(postgres_dsn, "template1"):
        yield dsn


@pytest.fixture
async def database_url(postgres_dsn: str, _template: str) -> AsyncIterator[str]:
    """DSN of a migrated, empty database of this test's own."""
    async for dsn in new_database(postgres_dsn, _template):
        yield dsn


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    """A supervisor that the test's parts may share; none of their tasks may have died."""
    made = Supervisor()
    yield made
    deaths = [status for status in made.status() if status.deaths]
    await made.close()
    assert not deaths


@pytest.fixture
async def database(database_url: str, supervisor: Supervisor) -> AsyncIterator[Database]:
    """A started ``Database`` on a migrated database of this test's own."""
    made = Database(database_url, supervisor, pool_size=5)
    await made.start()
    yield made
    await made.close()


async def new_database(dsn: str, template: str) -> AsyncIterator[str]:
    """DSN of one more database, dropped at the end."""
    name = f"test_{uuid4().hex[:16]}"
    # Copied file by file: the usual way, through the log, is several times the work for so small a database.
    await _administer(dsn, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    try:
        yield database_dsn(dsn, name)
    finally:
        await _drop(dsn, name)


async def _drop(dsn: str, name: str) -> None:
    """Drop a database, connections and all. What is inside may not be ours to cut, or slow to go."""
    deadline = time.monotonic() + 60
    while True:
        try:
            await _administer(dsn, f'DROP DATABASE "{name}" WITH (FORCE)')
        except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectInUseError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            return


async def _administer(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
