"""`ccserver up` on real parts: started in order, kept, interrupted, killed, and started again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from ccserver.stack.asterisk_root import default_cache
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.postgres import EmbeddedPostgres
from ccserver.stack.processes import Child, ProcessIdentity, identify, spawn, stop_process

from tests.integration.stack.up_driver import MODULE
from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.faults, pytest.mark.timeout(400)]

READY = "ccserver is ready"
NAMES = {"ccserver", "asterisk"}


class Installation:
    """One data folder and one web port, on which `up` is started again and again."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.log = folder / "up.log"
        self.port = free_tcp_port()
        self.children: list[Child] = []

    async def up(self) -> Child:
        self.log.unlink(missing_ok=True)
        drop = {"DATABASE_URL", "REDIS_URL", "AMI_SECRET"}
        environment = {name: value for name, value in os.environ.items() if name not in drop}
        environment |= {
            "CCSERVER_DATA": str(self.data),
            "CCSERVER_PORT": str(self.port),
            "CCSERVER_CACHE": str(default_cache()),
        }
        child = await spawn("up", [sys.executable, "-m", MODULE], log=self.log, env=environment)
        self.children.append(child)
        return child

    def said(self) -> str:
        # The console breaks lines at its width; sentences are compared without.
        return " ".join(self.log.read_text().split()) if self.log.exists() else ""

    async def ready(self) -> Child:
        child = await self.up()
        await until(lambda: READY in self.said() or not child.running, "it is ready, or has given up", 150)
        assert READY in self.said(), self.said()
        return child

    def running(self) -> dict[str, ProcessIdentity]:
        found: dict[str, ProcessIdentity] = {}
        for file in (self.data / "run").glob("*.pid"):
            identity = identify(int(file.read_text().split()[0]))
            if identity:
                found[file.stem] = identity
        return found

    def postmaster(self) -> ProcessIdentity | None:
        file = self.data / "postgres/cluster/postmaster.pid"
        return identify(int(file.read_text().split("\n", 1)[0])) if file.exists() else None


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    made = Installation(tmp_path)
    yield made
    for child in made.children:
        await child.stop(patience_seconds=60)
    for left in made.running().values():
        await stop_process(left)
    postmaster = made.postmaster()
    if postmaster:
        await stop_process(postmaster, first=signal.SIGINT)


async def system_identifier(data: Path) -> object:
    dsn = EmbeddedPostgres(data / "postgres").dsn()
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval("SELECT system_identifier FROM pg_control_system()")
    finally:
        await connection.close()


async def test_ctrl_c_stops_what_it_started_and_nothing_else(
    installation: Installation, tmp_path: Path
) -> None:
    bystander = await spawn("bystander", ["sleep", "1000"], log=tmp_path / "log")
    child = await installation.ready()
    started = installation.running()
    postmaster = installation.postmaster()
    assert set(started) == NAMES
    assert postmaster
    assert "Log in as admin, password admin." in installation.said()
    child.process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(child.process.wait(), 90) == 0
    assert not any(identity.alive for identity in (*started.values(), postmaster))
    assert bystander.running
    await bystander.stop()


async def test_it_runs_again_with_the_same_data(installation: Installation) -> None:
    child = await installation.ready()
    first = await system_identifier(installation.data)
    await child.stop(patience_seconds=60)
    await installation.ready()
    assert await system_identifier(installation.data) == first


async def test_what_a_killed_run_left_is_stopped(installation: Installation) -> None:
    child = await installation.ready()
    left = installation.running()
    child.process.kill()
    await child.process.wait()
    assert all(identity.alive for identity in left.values())
    await installation.ready()
    assert not any(identity.alive for identity in left.values())
    assert set(installation.running()) == NAMES


async def test_a_second_one_on_the_same_data_is_refused(installation: Installation) -> None:
    first = await installation.ready()
    second = await installation.up()
    assert await asyncio.wait_for(second.process.wait(), 90) == 1
    assert f"runs already from {installation.data} (process {first.process.pid})" in installation.said()
    assert first.running


async def test_a_taken_port_is_told_with_its_holder(installation: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        child = await installation.up()
        assert await asyncio.wait_for(child.process.wait(), 90) == 1
    assert f"is taken by process {os.getpid()} (" in installation.said()
    assert "CCSERVER_PORT" in installation.said()


@pytest.mark.parametrize("name", sorted(NAMES))
async def test_when_a_part_dies_everything_is_stopped(installation: Installation, name: str) -> None:
    child = await installation.ready()
    started = installation.running()
    postmaster = installation.postmaster()
    os.kill(started[name].pid, signal.SIGKILL)
    assert await asyncio.wait_for(child.process.wait(), 90) == 1
    assert "has ended by itself" in installation.said()
    assert postmaster
    assert not any(identity.alive for identity in (*started.values(), postmaster))


async def test_it_can_be_interrupted_while_it_starts(installation: Installation) -> None:
    child = await installation.up()
    await until(lambda: "PostgreSQL" in installation.said(), "PostgreSQL is spoken of", 90)
    child.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(child.process.wait(), 90) == 0
    assert not installation.running()
    assert installation.postmaster() is None
