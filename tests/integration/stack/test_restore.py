"""A backup comes back whole on a real PostgreSQL, and nothing is touched in vain."""

import asyncio
import gzip
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from ccserver.domain.pbx import PbxTls
from ccserver.stack.backup import make_backup
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.problems import StackProblem
from ccserver.stack.restore import restore_backup
from ccserver.storage import migrate
from ccserver.storage.vault import Vault
from ccserver.telephony.pbx_layout import read_layout

from tests.integration.stack.precious import (
    KEY,
    OTHER_KEY,
    back_up,
    contents,
    files_of,
    fill_awkwardly,
    give_asterisk,
    query,
    restore,
    settings_of,
)
from tests.integration.storage.test_oldest_release import BINARIES as OLDEST
from tests.rig.wait import until

pytestmark = pytest.mark.postgres


async def test_everything_comes_back_on_an_empty_machine(source: str, target: str, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    await asyncio.to_thread(give_asterisk, old)
    made = await back_up(source, old)
    before = await contents(source)

    assert await restore(made.path, target, new) == 6

    assert await contents(target) == before
    assert files_of(new) == files_of(old)
    assert (new / "asterisk/etc/pjsip.d/ours.conf").stat().st_mode & 0o777 == 0o640
    layout = await asyncio.to_thread(read_layout, new / "asterisk/layout.json")
    assert layout is not None and layout.directories.etc == str(new / "asterisk/etc")
    assert layout.directories.modules == "/usr/lib/m"
    assert layout.tls == PbxTls(certificate="/etc/ssl/pbx.pem", key=str(new / "asterisk/tls/key.pem"))
    # The schema works on: a new revision takes the next number, a new row finds its partition.
    await query(
        target,
        "INSERT INTO pbx_revisions (at, who, origin, action, fingerprint, result) "
        "VALUES (now(), 'x', 'page', 'apply', 'x', 'applied')",
    )
    assert (await query(target, "SELECT count(DISTINCT id) FROM pbx_revisions"))[0][0] == 2
    off = "SELECT tgname FROM pg_trigger WHERE tgenabled = 'D'"
    assert await query(target, off) == [], "triggers slept while the rows came in; they are awake again"


async def test_a_database_that_is_not_empty_is_left_alone(source: str, target: str, tmp_path: Path) -> None:
    made = await back_up(source, tmp_path)
    await asyncio.to_thread(migrate.apply, target)
    await query(target, "INSERT INTO tenants VALUES (gen_random_uuid(), 'mine', 'Mine', now())")
    with pytest.raises(StackProblem, match=r"not empty .*tenants.*--replace"):
        await restore(made.path, target, tmp_path)
    assert [row["slug"] for row in await query(target, "SELECT slug FROM tenants")] == ["mine"]

    await restore(made.path, target, tmp_path, replace=True)
    assert await contents(target) == await contents(source)


async def test_files_that_differ_are_left_alone(source: str, target: str, tmp_path: Path) -> None:
    await asyncio.to_thread(give_asterisk, tmp_path)
    made = await back_up(source, tmp_path)
    mine = tmp_path / "asterisk/etc/pjsip.d/ours.conf"
    mine.write_text("; changed since\n")
    with pytest.raises(StackProblem, match=r"ours\.conf exists and differs"):
        await restore(made.path, target, tmp_path)
    assert await query(target, "SELECT FROM pg_class WHERE relname = 'tenants'") == []
    await restore(made.path, target, tmp_path, replace=True)
    assert mine.read_text() == "; à la main\n"


async def test_another_key_is_refused(source: str, target: str, tmp_path: Path) -> None:
    made = await back_up(source, tmp_path)
    for key, words in ((OTHER_KEY, "not the key of this archive"), ("", "SECRETS_KEY is not set")):
        with pytest.raises(StackProblem, match=words):
            await restore(made.path, target, tmp_path, key=key)
    assert await query(target, "SELECT FROM pg_class WHERE relname = 'tenants'") == []
    # After a rotation the old key still opens it.
    await restore(made.path, target, tmp_path, key=f"{OTHER_KEY},{KEY}")
    assert await contents(target) == await contents(source)


async def test_secrets_that_only_a_lost_key_opens_undo_the_restore(
    source: str, target: str, tmp_path: Path
) -> None:
    await query(source, "UPDATE phones SET secret_encrypted = $1", Vault(OTHER_KEY).seal("older"))
    both = settings_of(tmp_path, source, f"{KEY},{OTHER_KEY}")
    made = await asyncio.to_thread(make_backup, both)
    with pytest.raises(StackProblem, match=r"2 of the 2 sealed secrets"):
        await restore(made.path, target, tmp_path)
    assert (await query(target, "SELECT count(*) FROM tenants"))[0][0] == 0


async def test_a_damaged_archive_touches_nothing(source: str, target: str, tmp_path: Path) -> None:
    made = await back_up(source, tmp_path)
    whole = made.path.read_bytes()
    broken = tmp_path / "broken.tar.gz"
    spots = {
        "cut": whole[: len(whole) // 2],
        "end missing": whole[:-9],
        "a byte": whole[: len(whole) // 2]
        + bytes([whole[len(whole) // 2] ^ 1])
        + whole[len(whole) // 2 + 1 :],
        "empty": b"",
        "no archive": b"PK" * 5000,
        # Packed anew, so that only the manifest can tell.
        "inside": gzip.compress(gzip.decompress(whole).replace(b"+33123456789", b"+33123456780")),
        "manifest": gzip.compress(
            gzip.decompress(whole).replace(b'"manifest.json', b'"manifest.jsom')[:4096]
        ),
    }
    for name, data in spots.items():
        broken.write_bytes(data)
        with pytest.raises(StackProblem, match="damaged"):
            await restore(broken, target, tmp_path, replace=True)
        assert await query(target, "SELECT FROM pg_class WHERE relname = 'tenants'") == [], name
    with pytest.raises(StackProblem, match="cannot be read"):
        await restore(tmp_path / "none.tar.gz", target, tmp_path)


async def test_a_restore_that_fails_half_way_leaves_what_was_there(
    source: str, target: str, tmp_path: Path
) -> None:
    made = await back_up(source, tmp_path)
    await asyncio.to_thread(migrate.apply, target)
    await query(target, "INSERT INTO tenants VALUES (gen_random_uuid(), 'mine', 'Mine', now())")
    # One of the last tables refuses its rows, after the others have been filled.
    await query(target, "ALTER TABLE agent_intervals ADD CONSTRAINT full_disk CHECK (state = 'never')")
    with pytest.raises(StackProblem, match="full_disk"):
        await restore(made.path, target, tmp_path, replace=True)
    assert [row["slug"] for row in await query(target, "SELECT slug FROM tenants")] == ["mine"]


async def test_an_older_archive_is_brought_up_to_date(empty_dsn: str, target: str, tmp_path: Path) -> None:
    known = await asyncio.to_thread(migrate.known_migrations)
    await asyncio.to_thread(lambda: migrate.apply(empty_dsn, only=known[:3]))
    await query(empty_dsn, "INSERT INTO tenants VALUES (gen_random_uuid(), 'old', 'Old', now())")
    made = await back_up(empty_dsn, tmp_path)
    # Into a database of this version with rows: its newer tables go, and come back empty.
    await asyncio.to_thread(migrate.apply, target)
    await fill_awkwardly(target)
    done = await asyncio.to_thread(restore_backup, settings_of(tmp_path, target), made.path, replace=True)
    assert done.upgraded == known[3:]
    assert [row["slug"] for row in await query(target, "SELECT slug FROM tenants")] == ["old"]
    assert (await query(target, "SELECT count(*) FROM routes"))[0][0] == 0


async def test_foreign_tables_newer_schemas_and_running_servers_are_refused(
    source: str, target: str, tmp_path: Path
) -> None:
    made = await back_up(source, tmp_path)
    await query(target, "CREATE TABLE somebody_elses AS SELECT 1")
    with pytest.raises(StackProblem, match="not ccserver's"):
        await restore(made.path, target, tmp_path, replace=True)
    await query(target, "DROP TABLE somebody_elses")
    server = await asyncpg.connect(target, server_settings={"application_name": "ccserver system"})
    with pytest.raises(StackProblem, match="Stop it first"):
        await restore(made.path, target, tmp_path, replace=True)
    await server.close()
    sessions = (
        "SELECT FROM pg_stat_activity"
        " WHERE application_name = 'ccserver system' AND datname = current_database()"
    )

    async def gone() -> bool:
        return await query(target, sessions) == []

    await until(gone, "PostgreSQL has let the server's session go")
    await asyncio.to_thread(migrate.apply, target)
    await query(
        target, "UPDATE _yoyo_migration SET migration_id = '9999.later' WHERE migration_id LIKE '0003%'"
    )
    with pytest.raises(StackProblem, match="newer ccserver"):
        await restore(made.path, target, tmp_path, replace=True)


async def test_from_the_oldest_release_to_the_embedded_one(target: str, tmp_path: Path) -> None:
    oldest = EmbeddedPostgres(tmp_path / "postgres", durable=False, binaries=OLDEST)
    dsn = await oldest.start()
    try:
        await asyncio.to_thread(migrate.apply, dsn)
        await fill_awkwardly(dsn)
        before = await contents(dsn)
        made = await back_up(dsn, tmp_path)
        await restore(made.path, target, tmp_path)
        assert await contents(target) == before
        # And back again.
        again = await asyncio.to_thread(
            lambda: make_backup(settings_of(tmp_path, target), folder=tmp_path / "second")
        )
        await restore(again.path, dsn, tmp_path, replace=True)
        assert await contents(dsn) == before
    finally:
        await oldest.stop()
    assert made.checked.manifest.database.server < again.checked.manifest.database.server


async def test_the_embedded_database_is_started_for_it_and_stopped_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = replace(settings_of(data, ""), database_url="")
    with pytest.raises(StackProblem, match="no embedded PostgreSQL"):
        await asyncio.to_thread(make_backup, settings)
    server = EmbeddedPostgres(data / "postgres", durable=False)
    await asyncio.to_thread(migrate.apply, await server.start())
    await fill_awkwardly(server.dsn())
    before = await contents(server.dsn())
    await server.stop()

    made = await asyncio.to_thread(make_backup, settings)
    assert not (data / "postgres/cluster/postmaster.pid").exists()
    empty = replace(settings, data_dir=tmp_path / "empty")
    await asyncio.to_thread(restore_backup, empty, made.path)

    restored = EmbeddedPostgres(tmp_path / "empty/postgres", durable=False)
    await restored.start()
    try:
        assert await contents(restored.dsn()) == before
    finally:
        await restored.stop()
