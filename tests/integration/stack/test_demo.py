"""`ccserver up --demo`: a living board within a minute, the same people after a restart, nothing left behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ccserver.stack.asterisk_root import default_cache
from ccserver.stack.demo_plan import FILE_NAME
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.processes import Child, identify, spawn, stop_process

from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(500)]


@dataclass
class Demo:
    """One data folder on which `up --demo` is started."""

    folder: Path
    port: int = field(default_factory=free_tcp_port)
    child: Child | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        log = self.folder / "up.log"
        return log.read_text() if log.exists() else ""

    def plan(self) -> Any:
        return json.loads((self.data / FILE_NAME).read_text())

    async def start(self) -> None:
        (self.folder / "up.log").unlink(missing_ok=True)
        drop = {"DATABASE_URL", "REDIS_URL", "AMI_SECRET"}
        environment = {name: value for name, value in os.environ.items() if name not in drop}
        environment |= {
            "CCSERVER_DATA": str(self.data),
            "CCSERVER_PORT": str(self.port),
            "CCSERVER_CACHE": str(default_cache()),
        }
        argv = [sys.executable, "-m", "ccserver", "up", "--demo"]
        self.child = child = await spawn("up", argv, log=self.folder / "up.log", env=environment)
        await until(lambda: "ccserver is ready" in self.said() or not child.running, "ready", 150)
        assert "ccserver is ready" in self.said(), self.said()

    def left(self) -> list[str]:
        """What this data folder's notes say still runs."""
        files = (self.data / "run").glob("*.pid")
        return [file.stem for file in files if identify(int(file.read_text().split()[0]))]

    async def interrupt(self) -> None:
        assert self.child is not None
        self.child.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(90):
            await self.child.process.wait()


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    made = Demo(tmp_path)
    yield made
    if made.child is not None and made.child.running:
        await stop_process(made.child.identity, patience_seconds=60)


class Board:
    """The demo's supervisor, who sees everything."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def log_in(self, login: str, password: str) -> None:
        body = {"login": login, "password": password}
        async with self._http.post(f"{self._url}/api/auth/login?bearer=1", json=body) as answer:
            assert answer.status == 200, await answer.text()
            token = (await answer.json())["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    async def get(self, path: str) -> Any:
        async with self._http.get(self._url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def talking(self) -> bool:
        return any(call["state"] == "talking" for call in (await self.get("/api/status"))["calls"])

    async def directions_answered(self) -> set[str]:
        calls = (await self.get("/api/calls?limit=100"))["items"]
        return {call["direction"] for call in calls if call["outcome"] == "answered"}

    async def both_ways(self) -> bool:
        return await self.directions_answered() >= {"inbound", "outbound"}

    async def all_registered(self) -> bool:
        return all(row["phone"] == "registered" for row in (await self.get("/api/agents"))["items"])


async def test_a_newcomer_sees_calls_in_both_directions(demo: Demo) -> None:
    await demo.start()
    plan = demo.plan()
    assert plan["supervisor_password"] in demo.said()
    async with aiohttp.ClientSession() as http:
        board = Board(http, demo.url)
        await board.log_in(plan["supervisor"], plan["supervisor_password"])
        await until(board.talking, "somebody talking", 120)
        await until(board.all_registered, "phones registered", 120)
        await until(board.both_ways, "answered calls in both directions", 180)
    await demo.interrupt()
    assert demo.left() == []


async def test_a_killed_demo_starts_again_with_the_same_people(demo: Demo) -> None:
    await demo.start()
    before = demo.plan()
    assert demo.child is not None
    demo.child.process.kill()
    await demo.child.process.wait()
    assert "phone-7001" in demo.left()
    await demo.start()
    assert demo.plan() == before
    async with aiohttp.ClientSession() as http:
        board = Board(http, demo.url)
        await board.log_in(before["supervisor"], before["supervisor_password"])
        await until(board.all_registered, "phones registered", 120)
        assert len((await board.get("/api/agents"))["items"]) == 6
    await demo.interrupt()
    assert demo.left() == []
