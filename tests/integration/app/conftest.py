"""An installation on the session's Asterisk, and one on an Asterisk of its own with twenty phones."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.domain.pbx import PhonePbx
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.redis_server import RedisServer
from ccserver.storage.pool import Database

from tests.rig.asterisk import Central, own_central
from tests.rig.installation import Installation, fill_database

MANY = tuple(str(extension) for extension in range(2001, 2021))


@pytest.fixture
async def installation(
    asterisk: Central, gateway_paris: GatewayProcess, database: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    """Nothing of ccserver runs yet: ``await installation.node()``."""
    ids = await fill_database(database, asterisk)
    made = Installation(asterisk, database, database_url, ids, tmp_path)
    yield made
    await made.stop()


@pytest.fixture
def big_central(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    """Twenty phones more (2001 to 2020) on an Asterisk that a test may kill, and the gateway of Paris."""
    phones = tuple(
        PhonePbx(extension=e, secret=f"secret-of-{e}", site="paris", display_name="", agent_id=f"agent-{e}")
        for e in MANY
    )
    with own_central(
        asterisk_binary, lambda small: replace(small, phones=small.phones + phones), talk_seconds=180
    ) as central:
        yield central


@pytest.fixture
async def big_installation(
    big_central: Central, database: Database, database_url: str, tmp_path: Path
) -> AsyncIterator[Installation]:
    """An installation on the big central."""
    ids = await fill_database(database, big_central)
    made = Installation(big_central, database, database_url, ids, tmp_path)
    yield made
    await made.stop()


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    """A Redis of this test's own, to be killed at will."""
    server = RedisServer(tmp_path / "redis")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
async def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL of this test's own, to be stopped at will."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), durable=False)
    await server.start()
    yield server
    await server.stop()
