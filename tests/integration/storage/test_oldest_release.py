"""The oldest PostgreSQL that we support (Debian 12's 15): the same schema, the same walls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from ccserver.background import Supervisor
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate
from ccserver.storage.pool import Database

from tests.integration.storage import test_isolation, test_migrate, test_pool

pytestmark = pytest.mark.postgres

# scripts/test installs the distribution's PostgreSQL beside the embedded one.
BINARIES = min(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/none/bin"))


@pytest.fixture
async def oldest(tmp_path: Path) -> AsyncIterator[str]:
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False, binaries=BINARIES)
    yield await server.start()
    await server.stop()


async def test_migrations_work_both_ways(oldest: str) -> None:
    await test_migrate.test_both_ways_on_data_give_one_schema(oldest)


@pytest.mark.parametrize(
    "walls",
    [
        test_isolation.test_every_table_of_tenants_shows_only_ones_own_rows,
        test_isolation.test_no_row_can_be_given_to_another_tenant,
        test_isolation.test_partitions_cannot_be_read_around_their_parent,
        test_isolation.test_the_other_tenants_names_and_failed_logins_are_closed,
        test_isolation.test_neither_role_is_superuser_or_owner,
        test_pool.test_constraints_become_domain_errors,
        test_pool.test_every_constraint_of_the_table_exists,
    ],
)
async def test_the_walls_stand(
    oldest: str, supervisor: Supervisor, walls: Callable[[Database], Awaitable[None]]
) -> None:
    await asyncio.to_thread(migrate.apply, oldest)
    database = Database(oldest, supervisor, pool_size=5)
    await database.start()
    try:
        await walls(database)
    finally:
        await database.close()
