"""Row-level security: under a tenant's connection the others do not exist, whatever SQL is sent."""

import asyncpg
import pytest
from ccserver.storage.pool import Database

from tests.integration.storage.test_migrate import fill

pytestmark = pytest.mark.postgres

WITH_TENANT = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'tenant_id' AND c.relkind IN ('r', 'p')
  AND NOT c.relispartition ORDER BY 1
"""
PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"


async def _names(database: Database, query: str) -> list[str]:
    async with database.system() as connection:
        return [row[0] for row in await connection.fetch(query)]


async def test_every_table_of_tenants_shows_only_ones_own_rows(database: Database) -> None:
    async with database.system() as connection:
        mine, other = await fill(connection), await fill(connection)
    tables = await _names(database, WITH_TENANT)
    assert len(tables) >= 14
    for table in tables:
        async with database.system() as connection:
            assert await connection.fetchval(f"SELECT count(DISTINCT tenant_id) FROM {table}") == 2, table
        async with database.tenant(mine) as connection:
            seen = await connection.fetch(f"SELECT DISTINCT tenant_id FROM {table}")
            assert [row["tenant_id"] for row in seen] == [mine], table
            # Neither by asking for it, nor by writing to what cannot be seen.
            assert await connection.fetch(f"SELECT FROM {table} WHERE tenant_id = $1", other) == []
            assert await connection.execute(f"DELETE FROM {table} WHERE tenant_id = $1", other) == "DELETE 0"
            changed = await connection.execute(
                f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = $1", other
            )
            assert changed == "UPDATE 0"


async def test_no_row_can_be_given_to_another_tenant(database: Database) -> None:
    async with database.system() as connection:
        mine, other = await fill(connection), await fill(connection)
    for table in await _names(database, WITH_TENANT):
        for statement in (
            f"UPDATE {table} SET tenant_id = $1",
            f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('tenant_id', $1::text))).* "
            f"FROM {table} t LIMIT 1",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with database.tenant(mine) as connection:
                    await connection.execute(
                        statement, other if statement.startswith("UPDATE") else str(other)
                    )


async def test_partitions_cannot_be_read_around_their_parent(database: Database) -> None:
    async with database.system() as connection:
        mine = await fill(connection)
    partitions = await _names(database, PARTITIONS)
    assert partitions
    for partition in partitions:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.tenant(mine) as connection:
                await connection.fetch(f"SELECT FROM {partition}")


async def test_a_connection_without_a_tenant_sees_nothing(database: Database) -> None:
    async with database.system() as connection:
        mine = await fill(connection)
    async with database.tenant(mine) as connection:
        await connection.execute("SELECT set_config('ccserver.tenant', '', true)")
        for table in await _names(database, WITH_TENANT):
            assert await connection.fetch(f"SELECT FROM {table}") == []


async def test_the_tenant_ends_with_its_transaction(database: Database) -> None:
    async with database.system() as connection:
        mine = await fill(connection)
    async with database.tenant(mine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 1
    async with database._pools["ccserver_app"].acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 0


async def test_the_other_tenants_names_and_failed_logins_are_closed(database: Database) -> None:
    async with database.system() as connection:
        mine = await fill(connection)
        await fill(connection)
    async with database.tenant(mine) as connection:
        assert [row["id"] for row in await connection.fetch("SELECT id FROM tenants")] == [mine]
    for statement in (
        "SELECT FROM login_failures",
        "INSERT INTO tenants VALUES (gen_random_uuid(), 'x', 'X', now())",
        "SELECT FROM _yoyo_migration",
        "CREATE TABLE sneaky (id integer)",
        "SELECT ensure_call_partitions(now(), now())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.tenant(mine) as connection:
                await connection.execute(statement)


async def test_neither_role_is_superuser_or_owner(database: Database) -> None:
    async with database.system() as connection:
        roles = await connection.fetch(
            "SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname LIKE 'ccserver\\_%'"
        )
        assert roles
        assert not any(any(row.values()) for row in roles)
