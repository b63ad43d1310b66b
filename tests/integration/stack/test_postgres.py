"""The embedded PostgreSQL: kept, reused and taken over, as scripts/up and its interruptions need."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from ccserver.stack.postgres import BINARIES, EmbeddedPostgres
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import identify, wait_gone

pytestmark = pytest.mark.postgres

# scripts/test installs the distribution's PostgreSQL beside the embedded one.
SYSTEM_BINARIES = min(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/none/bin"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    yield made
    await made.stop()


async def run(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def postmaster_pid(server: EmbeddedPostgres) -> int:
    return int((server.cluster / "postmaster.pid").read_text().split("\n", 1)[0])


async def test_data_is_kept_from_one_start_to_the_next(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await run(dsn, "CREATE TABLE kept AS SELECT 42 AS value")
    await server.stop()
    assert not server.running
    await server.start()
    assert await run(dsn, "SELECT value FROM kept") == 42


async def test_the_role_is_no_superuser_and_has_the_extensions(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    assert (
        await run(dsn, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") is False
    )
    for extension in ("pg_trgm", "unaccent", "btree_gist"):
        await run(dsn, f"CREATE EXTENSION {extension}")


async def test_french_letters_are_letters(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    assert await run(dsn, "SELECT upper('éàç')") == "ÉÀÇ"


async def test_a_server_left_by_a_killed_owner_is_taken_over(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    await server.start()
    pid = postmaster_pid(server)
    successor = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    await successor.start()
    assert postmaster_pid(server) == pid
    await successor.stop()
    assert identify(pid) is None


async def test_it_starts_again_at_once_after_a_crash(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    identity = identify(postmaster_pid(server))
    assert identity
    os.kill(identity.pid, signal.SIGKILL)
    assert await wait_gone(identity, 30)
    await server.start()
    assert await run(dsn, "SELECT 1") == 1


async def test_a_pid_file_naming_a_stranger_does_not_stop_it(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    pid_file = server.cluster / "postmaster.pid"
    content = pid_file.read_text()
    await server.stop()
    pid_file.write_text(content.replace(content.split("\n", 1)[0], str(os.getpid()), 1))
    await server.start()
    assert await run(dsn, "SELECT 1") == 1


async def test_a_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("x" * 120), durable=False)
    try:
        assert await run(await server.start(), "SELECT 1") == 1
    finally:
        await server.stop()


async def test_a_broken_cluster_is_told_in_a_sentence(server: EmbeddedPostgres) -> None:
    await server.start()
    await server.stop()
    (server.cluster / "global" / "pg_control").unlink()
    with pytest.raises(StackProblem, match="DATABASE_URL"):
        await server.start()


@pytest.mark.parametrize("binaries", [BINARIES, SYSTEM_BINARIES], ids=["wheel", "system"])
async def test_both_supported_releases_run(tmp_path: Path, binaries: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False, binaries=binaries)
    try:
        assert int(str(await run(await server.start(), "SHOW server_version_num"))) >= 150000
    finally:
        await server.stop()
