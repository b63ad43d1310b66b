"""A backup and its restore on a real PostgreSQL: everything comes back, and nothing is touched in vain."""

import asyncio
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from ccserver.domain.ids import derived_id
from ccserver.domain.pbx import PbxDirectories, PbxPorts, PbxTls
from ccserver.settings import Settings
from ccserver.stack.archive import check_archive, read_members
from ccserver.stack.backup import Backup, backups_in, make_backup
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.problems import StackProblem
from ccserver.stack.restore import restore_backup
from ccserver.storage import migrate
from ccserver.storage.vault import Vault
from ccserver.telephony.pbx_layout import PbxLayout, read_layout, write_layout

from tests.integration.storage.test_migrate import fill
from tests.integration.storage.test_oldest_release import BINARIES as OLDEST
from tests.rig.postgres import new_database

pytestmark = pytest.mark.postgres

KEY = "0123456789abcdef0123456789abcdef-backup"
OTHER_KEY = "another-key-of-more-than-thirty-two-characters"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AWKWARD = "Zoé \\ \t tab\nnewline 'quote' \\N \\. 日本 \U0001f4de ؟"
RECORDING = bytes(range(256)) * 5000


async def query(dsn: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def fill_awkwardly(dsn: str) -> None:
    """Every table, every kind of column, several months, more than one piece of text, and a sealed secret."""
    connection = await asyncpg.connect(dsn)
    try:
        tenant = await fill(connection)
        await connection.execute("UPDATE tenants SET name = $1", AWKWARD)
        await connection.execute(
            "INSERT INTO audit_log SELECT gen_random_uuid(), $1, now(), NULL, 'big', repeat('é\\', 2000), "
            "jsonb_build_object('n', n, 'text', $2::text, 'nothing', NULL) FROM generate_series(1, 1500) n",
            tenant,
            AWKWARD,
        )
        await connection.execute(
            "UPDATE sites SET subnets = '{10.1.0.0/16,2001:db8::/32}', codecs = '{}', allowed_prefixes = $1",
            ["+33", 'with "quotes", {braces} and \\'],
        )
        sealed = Vault(KEY).seal("the phone's password")
        await connection.execute("UPDATE phones SET secret_encrypted = $1 WHERE kind = 'physical'", sealed)
        for months in (-30, -1, 0, 1, 26):
            moment = NOW + timedelta(days=30 * months)
            if months not in (
                -30,
                26,
            ):  # those two are to lie in the default partition, or in one of their own
                await connection.execute("SELECT ensure_call_partitions($1, $1)", moment)
            await connection.execute(
                "INSERT INTO calls (id, tenant_id, source, external_id, direction, state, number, started_at) "
                "VALUES ($1, $2, 'csv', $3, 'inbound', 'ended', '+33123456789', $4)",
                *(derived_id(moment, str(uuid4())), tenant, AWKWARD + str(months), moment),
            )
        await connection.execute("SELECT ensure_call_partitions('2031-05-03Z', '2031-06-03Z')")
        await connection.execute("UPDATE refresh_tokens SET token_hash = '\\x005c4e0a09ff27'")
    finally:
        await connection.close()


async def contents(dsn: str) -> dict[str, str]:
    """A digest of every table, sequence and partition."""
    found = {}
    tables = await query(
        dsn,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND relname !~ 'yoyo' ORDER BY 1",
    )
    for (name,) in tables:
        # Rows of the partitions are told one by one too, so that they are known to lie where they lay.
        rows = await query(
            dsn,
            f"SELECT count(*)::text || md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t",
        )
        found[name] = rows[0][0]
    for (name,) in await query(dsn, "SELECT relname FROM pg_class WHERE relkind = 'S' AND relname !~ 'yoyo'"):
        found[name] = str((await query(dsn, f"SELECT last_value, is_called FROM {name}"))[0])
    return found


@pytest.fixture
async def source(empty_dsn: str) -> str:
    await asyncio.to_thread(migrate.apply, empty_dsn)
    await fill_awkwardly(empty_dsn)
    return empty_dsn


def settings_of(folder: Path, dsn: str, key: str = KEY) -> Settings:
    return Settings(database_url=dsn, secrets_key=key, data_dir=folder, ami_secret="x" * 32)


def give_asterisk(data: Path) -> PbxLayout:
    """An Asterisk's folders with rendered files, hand-written ones, keys, and recordings."""
    layout = PbxLayout(
        ports=PbxPorts(),
        directories=PbxDirectories.under(str(data / "asterisk"), modules="/usr/lib/m", data="/usr/share/d"),
        tls=PbxTls(certificate="/etc/ssl/pbx.pem", key=str(data / "asterisk/tls/key.pem")),
    )
    write_layout(data / "asterisk" / "layout.json", layout)
    for name, content in {
        "etc/pjsip.conf": b"; generated by ccserver\npassword = in-clear-for-asterisk\n",
        "etc/pjsip.d/ours.conf": "; à la main\n".encode(),
        "lib/keys/asterisk.pem": b"-----BEGIN PRIVATE KEY-----\n\xff",
        "tls/key.pem": b"-----BEGIN PRIVATE KEY-----\nof the phones",
        "spool/recording/2026/11/call-é.wav": RECORDING,
        "spool/voicemail/main/1001/INBOX/msg0000.txt": b"hello",
    }.items():
        path = data / "asterisk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (data / "asterisk/etc/pjsip.d/ours.conf").chmod(0o640)
    return layout


def files_of(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted((data / "asterisk").rglob("*"))
        if path.is_file() and path.name != "layout.json"
    }


async def back_up(source: str, folder: Path) -> Backup:
    return await asyncio.to_thread(make_backup, settings_of(folder, source))


async def restore(archive: Path, dsn: str, folder: Path, *, key: str = KEY, replace: bool = False) -> int:
    done = await asyncio.to_thread(restore_backup, settings_of(folder, dsn, key), archive, replace=replace)
    return done.files


@pytest.fixture
async def target(postgres_dsn: str) -> AsyncIterator[str]:
    """A second empty database."""
    async for dsn in new_database(postgres_dsn, "template1"):
        yield dsn


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


async def test_the_archive_is_for_the_owner_and_holds_no_secret_in_clear(source: str, tmp_path: Path) -> None:
    await asyncio.to_thread(give_asterisk, tmp_path)
    made = await back_up(source, tmp_path)
    assert made.path.stat().st_mode & 0o777 == 0o600
    clear = gzip.decompress(made.path.read_bytes())
    for secret in (b"in-clear-for-asterisk", b"PRIVATE KEY", KEY.encode(), b"the phone's password"):
        assert secret not in clear
    assert RECORDING in clear
    checked = subprocess.run(
        ["sha256sum", "-c", made.path.name + ".sha256"],
        cwd=made.path.parent,
        capture_output=True,
        check=False,
    )
    assert checked.returncode == 0
    assert (made.checked.manifest.database.sealed, made.checked.manifest.database.unreadable) == (2, 1)


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
    await asyncio.to_thread(migrate.apply, target)
    await query(
        target, "UPDATE _yoyo_migration SET migration_id = '9999.later' WHERE migration_id LIKE '0003%'"
    )
    with pytest.raises(StackProblem, match="newer ccserver"):
        await restore(made.path, target, tmp_path, replace=True)


async def test_one_moment_is_saved_though_calls_come_in(source: str, target: str, tmp_path: Path) -> None:
    before = await contents(source)
    settings = settings_of(tmp_path, source)
    loop = asyncio.get_running_loop()
    written: list[str] = []

    async def meanwhile() -> None:
        await query(source, "DELETE FROM agent_intervals")
        await query(source, "UPDATE tenants SET name = 'changed'")

    def tell(what: str) -> None:
        if what.startswith("table") and not written:
            written.append(what)
            asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(20)

    made = await asyncio.to_thread(lambda: make_backup(settings, tell=tell))
    assert (await query(source, "SELECT DISTINCT name FROM tenants"))[0][0] == "changed"
    await restore(made.path, target, tmp_path)
    assert await contents(target) == before


async def test_only_the_newest_stay(source: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, source)
    folder = tmp_path / "backups"
    for minute in range(4):
        moment = NOW + timedelta(minutes=minute)
        await asyncio.to_thread(lambda now=moment: make_backup(settings, keep=2, now=now))
    assert [path.name for path in backups_in(folder)] == [
        "ccserver-20261121T120200Z.tar.gz",
        "ccserver-20261121T120300Z.tar.gz",
    ]
    assert len(list(folder.glob("*.sha256"))) == 2
    with pytest.raises(StackProblem, match="exists already"):
        await asyncio.to_thread(lambda: make_backup(settings, now=NOW + timedelta(minutes=3)))
    assert all(check_archive(path).manifest.database.rows for path in backups_in(folder))


async def test_what_a_killed_run_left_is_swept_away(source: str, tmp_path: Path) -> None:
    """kill -9 in the middle: the half archive has no name that counts, and the next run removes it."""
    settings = settings_of(tmp_path, source)
    folder = tmp_path / "backups"
    first = await asyncio.to_thread(lambda: make_backup(settings, now=NOW))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.stack.backup_killed", source, str(tmp_path), KEY),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == -9, output.decode()
    assert len(list(folder.glob("*.unfinished"))) == 1
    assert backups_in(folder) == (first.path,)
    second = await asyncio.to_thread(lambda: make_backup(settings, keep=2, now=NOW + timedelta(hours=1)))
    assert not list(folder.glob("*.unfinished"))
    assert backups_in(folder) == (first.path, second.path)


async def test_a_full_disk_is_told_and_the_old_backup_stays(
    source: str, tmp_path: Path, small_disk: Path
) -> None:
    settings = replace(settings_of(tmp_path, source), backup_dir=small_disk)
    first = await asyncio.to_thread(lambda: make_backup(settings, keep=1, now=NOW))
    noise = b"".join(uuid4().bytes for _ in range(100_000))
    await asyncio.to_thread(give_asterisk, tmp_path)
    (tmp_path / "asterisk/spool/recording/long.wav").write_bytes(noise)
    with pytest.raises(StackProblem, match=r"is full .*older ones are untouched"):
        await asyncio.to_thread(lambda: make_backup(settings, keep=1))
    assert sorted(path.name for path in small_disk.iterdir() if path.name != ".lock") == [
        first.path.name,
        first.path.name + ".sha256",
    ]
    assert check_archive(first.path).sha256 == first.checked.sha256


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


async def test_every_piece_of_a_table_is_small(source: str, tmp_path: Path) -> None:
    made = await back_up(source, tmp_path)
    pieces = [info for info, _ in read_members(made.path) if info.name.startswith("database/audit_log/")]
    assert len(pieces) > 1
    assert max(info.size for info in pieces) < 5 << 20
