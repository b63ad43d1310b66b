"""Migrations, both ways, on data; and a server that knows which schema it wants."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import psycopg
import pytest
from ccserver.background import Supervisor
from ccserver.domain.errors import Unavailable
from ccserver.domain.ids import derived_id
from ccserver.storage import migrate
from ccserver.storage.migrate import SchemaError
from ccserver.storage.pool import Database

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KNOWN = migrate.known_migrations()
_SERIAL = itertools.count(100_000)
"""Extensions and numbers that no two rows share."""
SCHEMA = """
SELECT 'column', table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'policy', tablename || '.' || policyname, roles::text || coalesce(qual, '') || coalesce(with_check, '')
FROM pg_policies WHERE schemaname = 'public'
UNION ALL SELECT 'grant', table_name || '.' || grantee, string_agg(privilege_type, ',' ORDER BY privilege_type)
FROM information_schema.role_table_grants WHERE table_schema = 'public' GROUP BY 1, 2
UNION ALL SELECT 'security', relname, relrowsecurity::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid)
FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3
"""


async def _with(dsn: str, work: Callable[[asyncpg.Connection], Awaitable[object]]) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await work(connection)
    finally:
        await connection.close()


async def _schema(dsn: str) -> list[tuple[str, ...]]:
    async def read(connection: asyncpg.Connection) -> object:
        return [tuple(row) for row in await connection.fetch(SCHEMA)]

    found = await _with(dsn, read)
    assert isinstance(found, list)
    return found


async def fill(connection: asyncpg.Connection) -> UUID:
    """At least one row in every table of the schema."""
    tenant, site, user, session = uuid4(), uuid4(), uuid4(), uuid4()
    trunk, phone = uuid4(), uuid4()
    call = derived_id(NOW, "asterisk", "1")
    hash_ = b"\x01" * 32
    for statement, values in (
        ("INSERT INTO tenants VALUES ($1, $2, 'A', now())", (tenant, f"t{tenant.hex[:8]}")),
        (
            "INSERT INTO sites (id, tenant_id, slug, name, created_at, updated_at) "
            "VALUES ($1, $2, $3, 'Paris', now(), now())",
            (site, tenant, f"s{site.hex[:8]}"),
        ),
        (
            "INSERT INTO users (id, tenant_id, login, role, site_id, password_hash, created_at, updated_at) "
            "VALUES ($1, $2, $3, 'AGENT', $4, 'x', now(), now())",
            (user, tenant, user.hex, site),
        ),
        ("INSERT INTO user_sites VALUES ($1, $2, $3)", (user, site, tenant)),
        (
            "INSERT INTO sessions (id, tenant_id, user_id, created_at, refreshed_at, expires_at) "
            "VALUES ($1, $2, $3, now(), now(), now())",
            (session, tenant, user),
        ),
        ("INSERT INTO refresh_tokens VALUES ($1, $2, $3, now())", (hash_ + tenant.bytes, session, tenant)),
        ("INSERT INTO login_failures VALUES ($1, 1, now())", (f"account:{tenant.hex}",)),
        (
            "INSERT INTO audit_log (id, tenant_id, at, action) VALUES ($1, $2, now(), 'login')",
            (uuid4(), tenant),
        ),
        (
            "INSERT INTO trunks (id, tenant_id, site_id, slug, host, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, $5, now(), now())",
            (trunk, tenant, site, f"k{site.hex[:8]}", f"fd00:{site.hex[:4]}:{site.hex[4:8]}::1"),
        ),
        (
            "INSERT INTO routes (id, tenant_id, site_id, trunk_id, prefix, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, '+33', now(), now())",
            (uuid4(), tenant, site, trunk),
        ),
        (
            "INSERT INTO schedules (id, tenant_id, name, created_at, updated_at) VALUES ($1, $2, 'Day', now(), now())",
            (uuid4(), tenant),
        ),
        (
            "INSERT INTO phones (id, tenant_id, site_id, kind, extension, secret_encrypted, created_at, updated_at) "
            "VALUES ($1, $2, $3, 'physical', $4, 'x', now(), now())",
            (phone, tenant, site, str(next(_SERIAL))),
        ),
        ("INSERT INTO provisioning_tickets VALUES ($1, $2, $3, now(), now())", (tenant.bytes, tenant, phone)),
        (
            "INSERT INTO pbx_revisions (at, who, origin, action, fingerprint, result) "
            "VALUES (now(), $1, 'page', 'apply', 'x', 'applied')",
            (tenant.hex,),
        ),
        (
            "INSERT INTO phones (id, tenant_id, user_id, extension, secret_encrypted, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, 'x', now(), now())",
            (uuid4(), tenant, user, str(next(_SERIAL))),
        ),
        (
            "INSERT INTO dids (id, tenant_id, site_id, number, user_id, target, created_at, updated_at) "
            "VALUES ($1, $2, $3, $4, $5, 'agent', now(), now())",
            (uuid4(), tenant, site, f"+33123{next(_SERIAL)}", user),
        ),
        ("INSERT INTO call_keys VALUES ($1, 'asterisk', '1', $2)", (tenant, call)),
        (
            "INSERT INTO calls (id, tenant_id, source, external_id, direction, state, number, started_at) "
            "VALUES ($1, $2, 'asterisk', '1', 'inbound', 'ended', '+33123456789', $3)",
            (derived_id(NOW, tenant.hex), tenant, NOW),
        ),
        (
            "INSERT INTO call_legs (call_id, uniqueid, tenant_id, role, channel, started_at) "
            "VALUES ($1, $2, $3, 'agent', 'x', $4)",
            (call, tenant.hex, tenant, NOW),
        ),
        (
            "INSERT INTO call_events (call_id, at, kind, uniqueid, tenant_id) VALUES ($1, $2, 'ring', $3, $4)",
            (call, NOW, tenant.hex, tenant),
        ),
        (
            "INSERT INTO agent_intervals (id, tenant_id, user_id, state, during) "
            "VALUES ($1, $2, $3, 'available', tstzrange($4, NULL))",
            (uuid4(), tenant, user, NOW),
        ),
    ):
        await connection.execute(statement, *values)
    return tenant


async def test_both_ways_on_data_give_one_schema(empty_dsn: str) -> None:
    known = KNOWN
    assert await asyncio.to_thread(migrate.apply, empty_dsn) == known
    first = await _schema(empty_dsn)
    await _with(empty_dsn, fill)
    for steps in range(1, len(known) + 1):
        undone = await asyncio.to_thread(migrate.rollback, empty_dsn, steps)
        assert undone == tuple(reversed(known[-steps:]))
        assert (await asyncio.to_thread(migrate.status, empty_dsn)).pending == known[-steps:]
        assert await asyncio.to_thread(migrate.apply, empty_dsn) == known[-steps:]
        assert await _schema(empty_dsn) == first
        if steps < len(known):
            continue
        await _with(empty_dsn, fill)  # what was made again takes data again
    status = await asyncio.to_thread(migrate.status, empty_dsn)
    assert (status.applied, status.pending, status.unknown) == (known, (), ())


async def test_of_trunks_that_shared_an_address_the_older_stays_in_use(empty_dsn: str) -> None:
    """Only one of them was ever in Asterisk, which tells traffic apart by its address."""
    await asyncio.to_thread(migrate.apply, empty_dsn, only=KNOWN[:3])

    async def before(connection: asyncpg.Connection) -> None:
        tenant, site = uuid4(), uuid4()
        await connection.execute("INSERT INTO tenants VALUES ($1, 't', 'T', now())", tenant)
        await connection.execute(
            "INSERT INTO sites (id, tenant_id, slug, name, created_at, updated_at)"
            " VALUES ($1, $2, 's', 'S', now(), now())",
            *(site, tenant),
        )
        for number, (slug, host, port) in enumerate(
            (("old", "10.0.0.1", 5060), ("twin", "10.0.0.1", 5080), ("name", "gw.example", 5060))
        ):
            await connection.execute(
                "INSERT INTO trunks (id, tenant_id, site_id, slug, host, port, created_at, updated_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, now(), now())",
                *(UUID(int=number + 1), tenant, site, slug, host, port),
            )

    async def after(connection: asyncpg.Connection) -> None:
        rows = await connection.fetch("SELECT slug, active FROM trunks ORDER BY id")
        assert [tuple(row) for row in rows] == [("old", True), ("twin", False), ("name", True)]
        networks = await connection.fetch(
            "SELECT slug, network::text FROM trunk_networks JOIN trunks ON trunks.id = trunk_id"
        )
        assert [tuple(row) for row in networks] == [("old", "10.0.0.1/32")]
        with pytest.raises(asyncpg.UniqueViolationError, match="trunks_address_unique"):
            await connection.execute("UPDATE trunks SET active = true WHERE slug = 'twin'")
        with pytest.raises(asyncpg.ExclusionViolationError, match="trunk_networks_overlap"):
            await connection.execute("UPDATE trunks SET addresses = '{10.0.0.0/24}' WHERE slug = 'name'")

    await _with(empty_dsn, before)
    await asyncio.to_thread(migrate.apply, empty_dsn)
    await _with(empty_dsn, after)
    await asyncio.to_thread(migrate.rollback, empty_dsn, len(KNOWN) - 3)
    left = await _with(empty_dsn, lambda connection: connection.fetchval("SELECT count(*) FROM trunks"))
    assert left == 3


async def test_a_third_destination_comes_and_goes_and_the_number_stays(empty_dsn: str) -> None:
    place = KNOWN.index("0005.add-no-answer")
    await asyncio.to_thread(migrate.apply, empty_dsn, only=KNOWN[:place])
    await _with(empty_dsn, fill)
    await asyncio.to_thread(migrate.apply, empty_dsn)

    async def third(connection: asyncpg.Connection) -> object:
        row = await connection.fetchrow("SELECT target, unanswered_target, ring_seconds FROM dids")
        await connection.execute(
            "UPDATE dids SET unanswered_target = 'agent', unanswered_user_id = user_id, ring_seconds = 5"
        )
        for wrong in ("unanswered_target = 'phone'", "unanswered_forward_to = '+331'", "ring_seconds = 121"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(f"UPDATE dids SET {wrong}")
        return tuple(row)

    assert await _with(empty_dsn, third) == ("agent", "none", 30)
    await asyncio.to_thread(migrate.rollback, empty_dsn, len(KNOWN) - place)
    left = await _with(empty_dsn, lambda connection: connection.fetchval("SELECT target FROM dids"))
    assert left == "agent"


async def test_a_full_rollback_leaves_nothing_of_ours(empty_dsn: str) -> None:
    await asyncio.to_thread(migrate.apply, empty_dsn)
    await asyncio.to_thread(migrate.rollback, empty_dsn, 99)
    left = {name.split(".")[0] for kind, name, _ in await _schema(empty_dsn) if kind == "column"}
    assert all("yoyo" in name for name in left)
    assert not [row for row in await _schema(empty_dsn) if row[0] == "function"]


async def test_applying_twice_and_at_once_is_harmless(empty_dsn: str) -> None:
    runs = await asyncio.gather(*(asyncio.to_thread(migrate.apply, empty_dsn) for _ in range(3)))
    assert sorted(runs) == [(), (), KNOWN]


def test_every_migration_has_its_rollback() -> None:
    for name in KNOWN:
        assert (migrate.MIGRATIONS / f"{name}.rollback.sql").is_file()


async def test_a_server_refuses_a_database_without_schema(empty_dsn: str, supervisor: Supervisor) -> None:
    database = Database(empty_dsn, supervisor)
    with pytest.raises(SchemaError, match="ccserver migrate"):
        await database.start()
    await database.close()


async def test_a_server_refuses_a_schema_that_is_behind(empty_dsn: str, supervisor: Supervisor) -> None:
    await asyncio.to_thread(migrate.apply, empty_dsn)
    database = Database(empty_dsn, supervisor, known=[*KNOWN, "9999.add-future"])
    with pytest.raises(SchemaError, match=r"9999\.add-future"):
        await database.start()
    await database.close()


async def test_a_server_refuses_a_newer_schema_and_so_does_migrate(
    empty_dsn: str, supervisor: Supervisor
) -> None:
    await asyncio.to_thread(migrate.apply, empty_dsn)

    def pretend() -> None:
        with psycopg.connect(empty_dsn) as connection:
            connection.execute("INSERT INTO _yoyo_migration VALUES ('x', '9999.add-future', now())")

    await asyncio.to_thread(pretend)
    database = Database(empty_dsn, supervisor)
    with pytest.raises(SchemaError, match="newer"):
        await database.start()
    await database.close()
    with pytest.raises(SchemaError, match="newer"):
        await asyncio.to_thread(migrate.apply, empty_dsn)


async def test_migrating_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await asyncio.to_thread(migrate.status, "postgresql://nobody@/x?host=/nowhere")
    with pytest.raises(Unavailable):
        await asyncio.to_thread(migrate.apply, "postgresql://nobody@/x?host=/nowhere")
