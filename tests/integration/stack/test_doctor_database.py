"""The doctor's looks at a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from ccserver.services.hashing import Hashing
from ccserver.stack.doctor import database as database_looks
from ccserver.stack.doctor.database import DatabaseFacts, check_database
from ccserver.stack.doctor.finding import Finding, Level
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate
from ccserver.storage.vault import Vault

from tests.integration.stack.healthy import GOOD, KEY, collected, run
from tests.integration.storage.test_migrate import fill


async def of_database(dsn: str, facts: DatabaseFacts | None = None) -> dict[str, Finding]:
    return await collected(check_database(GOOD, dsn, facts or DatabaseFacts()))


@pytest.fixture
async def filled(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    try:
        await fill(connection)
        await connection.execute("UPDATE phones SET secret_encrypted = $1", Vault(KEY).seal("x"))
    finally:
        await connection.close()
    return database_url


@pytest.mark.postgres
async def test_a_good_database_is_green(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")  # durable, unlike the session's
    dsn = await server.start()
    try:
        await asyncio.to_thread(migrate.apply, dsn)
        facts = DatabaseFacts()
        found = await of_database(dsn, facts)
        assert {name for name, finding in found.items() if finding.level is not Level.GOOD} == set()
        assert facts.reached and len(found) == 11
    finally:
        await server.stop()


@pytest.mark.postgres
async def test_what_is_wrong_with_a_database_is_red(
    filled: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await of_database(filled)
    assert found["sealed secrets"].level is Level.GOOD
    assert found["database durability"].level is Level.BAD  # the tests' server forgets on purpose
    assert found["first account"].level is Level.GOOD

    await run(filled, "UPDATE phones SET secret_encrypted = $1", Vault("o" * 32).seal("x"))
    await run(filled, "UPDATE sites SET zone = 'Europe/Atlantis'")
    await run(filled, "UPDATE users SET role = 'ADMIN', must_change_password = true")
    monkeypatch.setattr(database_looks, "OLDEST", 999999)
    clock = SimpleNamespace(time=lambda: datetime.now(UTC).timestamp() + 90)
    monkeypatch.setattr(database_looks, "time", clock)
    facts = DatabaseFacts()
    red = {name for name, finding in (await of_database(filled, facts)).items() if finding.level is Level.BAD}
    assert red == {
        "clock of the database",
        "database durability",
        "database time zones",
        "database version",
        "first account",
        "sealed secrets",
    }
    assert facts.zones == ("Europe/Atlantis",)
    assert [mode for _, mode in facts.trunks] == ["peer"]


@pytest.mark.postgres
async def test_a_password_that_everybody_knows_is_red(filled: str) -> None:
    hashing = Hashing(memory_kib=64)
    known, own = await hashing.hash("admin"), await hashing.hash("Frobnicate-77-gnomes")
    hashing.close()
    await run(
        filled, "UPDATE users SET role = 'ADMIN', must_change_password = false, password_hash = $1", known
    )
    assert "everybody knows" in (await of_database(filled))["first account"].detail
    await run(filled, "UPDATE users SET password_hash = $1", own)
    assert (await of_database(filled))["first account"].level is Level.GOOD


@pytest.mark.postgres
async def test_migrations(empty_dsn: str) -> None:
    known = await asyncio.to_thread(migrate.known_migrations)
    await asyncio.to_thread(lambda: migrate.apply(empty_dsn, only=known[:2]))
    missing = (await of_database(empty_dsn))["migrations"]
    assert missing.level is Level.BAD and missing.mend == "ccserver migrate"
    await asyncio.to_thread(migrate.apply, empty_dsn)
    assert (await of_database(empty_dsn))["migrations"].level is Level.GOOD
    await run(
        empty_dsn, "UPDATE _yoyo_migration SET migration_id = '9999.later' WHERE migration_id = $1", known[-1]
    )
    assert "newer" in (await of_database(empty_dsn))["migrations"].detail


@pytest.mark.postgres
async def test_roles_and_encodings(postgres: EmbeddedPostgres, empty_dsn: str) -> None:
    admin = postgres.dsn("postgres", "postgres")
    name = empty_dsn.partition("?")[0].rpartition("/")[2]
    assert (await of_database(postgres.dsn(name, "postgres")))["database role"].level is Level.ADVICE
    await run(admin, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await run(admin, "CREATE ROLE nobody_much LOGIN")
    try:
        found = await of_database(postgres.dsn("latin", "nobody_much"))
        assert found["database encoding"].level is Level.BAD
        assert found["database role"].level is Level.BAD and "CREATE ROLE" in found["database role"].mend
    finally:
        await run(admin, "DROP DATABASE latin")
        await run(admin, "DROP ROLE nobody_much")


@pytest.mark.postgres
async def test_few_connections(tmp_path: Path) -> None:
    rows = {number: {"max_connections": number, "reserved": 3} for number in (20, 40, 100)}
    told = [database_looks._connections(row).level for row in rows.values()]
    assert told == [Level.BAD, Level.ADVICE, Level.GOOD]


async def test_no_database(tmp_path: Path) -> None:
    found = await of_database(f"postgresql://x@127.0.0.1:{free_tcp_port()}/x")
    assert list(found) == ["database"] and found["database"].level is Level.BAD
