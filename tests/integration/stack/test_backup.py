"""A backup of a real PostgreSQL: of one moment, whole or not there, and closed to everybody else."""

import asyncio
import gzip
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from ccserver.stack.archive import check_archive, read_members
from ccserver.stack.backup import backups_in, make_backup
from ccserver.stack.problems import StackProblem

from tests.integration.stack.precious import (
    KEY,
    NOW,
    RECORDING,
    back_up,
    contents,
    give_asterisk,
    query,
    restore,
    settings_of,
)

pytestmark = pytest.mark.postgres


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
            asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(60)

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


async def test_every_piece_of_a_table_is_small(source: str, tmp_path: Path) -> None:
    made = await back_up(source, tmp_path)
    pieces = [info for info, _ in read_members(made.path) if info.name.startswith("database/audit_log/")]
    assert len(pieces) > 1
    assert max(info.size for info in pieces) < 5 << 20
