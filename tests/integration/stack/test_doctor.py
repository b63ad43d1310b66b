"""All looks of the doctor by its command, on a whole installation; and at disks."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ccserver.stack.backup import make_backup
from ccserver.stack.doctor import machine
from ccserver.stack.doctor.finding import Level
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.storage import migrate
from ccserver.telephony.pbx_layout import PbxLayout, write_layout

from tests.integration.stack.healthy import GOOD, replace_etc
from tests.rig.asterisk import Central


def test_disks(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(folder: Path) -> Level:
        return next(iter(machine.check_disks([("x", folder)]))).level

    assert look(tmp_path / "not/there/yet") in (Level.GOOD, Level.ADVICE)  # as much as this machine has
    assert look(small_disk) is Level.BAD
    monkeypatch.setattr(machine, "_GIB", 1 << 10)
    assert look(small_disk) is Level.GOOD
    for number in range(97):
        (small_disk / str(number)).touch()
    assert look(small_disk) is Level.BAD  # no inode is left


async def doctor(environment: dict[str, str], *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ccserver", "doctor", *options),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(100):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.fixture
async def environment(
    asterisk: Central, gateway_paris: GatewayProcess, tmp_path: Path
) -> AsyncIterator[dict[str, str]]:
    """An installation that is ready but for TLS, which no test machine has."""
    server = EmbeddedPostgres(tmp_path / "data/postgres")
    dsn = await server.start()
    await asyncio.to_thread(migrate.apply, dsn)
    data = tmp_path / "data"
    settings = replace(GOOD, database_url=dsn, data_dir=data)
    await asyncio.to_thread(make_backup, settings)
    layout = PbxLayout(ports=asterisk.model.ports, directories=asterisk.model.directories)
    await asyncio.to_thread(
        write_layout, data / "asterisk/layout.json", replace_etc(layout, tmp_path / "etc")
    )
    yield {
        "DATABASE_URL": dsn,
        "CCSERVER_DATA": str(data),
        "CCSERVER_PORT": str(free_tcp_port()),
        "JWT_SECRET": GOOD.jwt_secret,
        "SECRETS_KEY": GOOD.secrets_key,
        "BOOTSTRAP_PASSWORD": "Frobnicate-77-gnomes",
        "AMI_PORT": str(asterisk.model.ports.ami),
        "AMI_SECRET": asterisk.model.ami.secret,
        "ARI_URL": asterisk.ari_url,
        "ARI_SECRET": asterisk.model.ari.secret,
        "ASTERISK_CEL_FILE": str(asterisk.process.cel_file),
    }
    await server.stop()


@pytest.mark.asterisk
async def test_the_command_says_it_all_and_ends_accordingly(environment: dict[str, str]) -> None:
    status, output = await doctor(environment, "--json")
    report = json.loads(output)
    levels = {finding["name"]: finding["level"] for finding in report["findings"]}
    # What depends on the machine of the test: its clock, its disks.
    theirs = {name for name in levels if name == "clock" or name.startswith("disk") or name == "open files"}
    expected = {"PUBLIC_URL": "advice", "trunks": "advice", "configuration": "bad"}
    assert {n: v for n, v in levels.items() if v != "good" and n not in theirs} == expected
    assert report["status"] == status == 1
    assert len(levels) > 30

    status, output = await doctor({**environment, "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"})
    assert status == 1
    lines = output.splitlines()
    assert any(line.startswith("✗ database ") and "→ start PostgreSQL" in line for line in lines)
    assert any(line.startswith("? trunks") and "not checked" in line for line in lines)
    for secret in (
        GOOD.jwt_secret,
        GOOD.secrets_key,
        environment["AMI_SECRET"],
        environment["BOOTSTRAP_PASSWORD"],
    ):
        assert secret not in output


@pytest.mark.postgres
async def test_a_backup_that_is_old_is_told_by_its_name(tmp_path: Path, database_url: str) -> None:
    settings = replace(GOOD, database_url=database_url, data_dir=tmp_path)
    long_ago = datetime.now(UTC) - timedelta(days=9)
    made = await asyncio.to_thread(lambda: make_backup(settings, now=long_ago))
    status, output = await doctor({"CCSERVER_DATA": str(tmp_path), "DATABASE_URL": database_url})
    assert status == 1
    assert f"{made.path.name}, 9 days old" in output
    assert "unchanged since" in output
