"""The Redis bus keeps the bus contract on a real server, and finds links that die without a word."""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from ccserver.background import Backoff, Supervisor
from ccserver.bus.redis import RedisBus, Timings
from ccserver.domain.errors import Unavailable
from ccserver.ports import BusGap, BusMessage
from ccserver.stack.redis_server import RedisServer

from tests.rig.bus_contract import DEADLINE, BusContract, take
from tests.rig.wait import until

pytestmark = pytest.mark.redis


PATIENT = Timings(connect=20, publish=20, silence=20)
"""A server that is there and slow, on a machine that has other work, is not taken for a dead one."""


def bus_on(url: str, supervisor: Supervisor, timings: Timings = PATIENT) -> RedisBus:
    return RedisBus(
        url,
        supervisor,
        timings=timings,
        backoff=Backoff((0.05, 0.1, 0.2)),
        max_messages=100,
        max_bytes=100_000,
    )


@dataclass
class RedisRig:
    server: RedisServer
    one: RedisBus
    two: RedisBus

    async def cut(self) -> None:
        await self.server.stop(at_once=True)

    async def mend(self) -> None:
        await self.server.start()


@pytest.fixture
async def server(tmp_path: Path):
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    await server.stop(at_once=True)


@pytest.fixture
async def rig(server: RedisServer):
    supervisors = Supervisor(), Supervisor()
    one, two = (bus_on(server.url, supervisor) for supervisor in supervisors)
    await one.start()
    await two.start()
    yield RedisRig(server, one, two)
    for bus, supervisor in zip((one, two), supervisors, strict=True):
        await bus.close()
        await supervisor.close()


class TestRedisBus(BusContract):
    pass


def test_a_half_open_link_is_found_within_ten_seconds():
    timings = Timings()
    assert timings.ping + timings.silence + timings.ping < 10


def test_a_url_of_another_kind_is_refused():
    with pytest.raises(ValueError):
        RedisBus("http://localhost", Supervisor())


async def test_a_frozen_server_is_found_by_the_ping_and_healed(server: RedisServer):
    """SIGSTOP keeps the sockets open and silent: the half-open link."""
    supervisor = Supervisor()
    bus = bus_on(server.url, supervisor, timings=Timings(ping=0.1, silence=1.0, publish=10, connect=10))
    await bus.start()
    sub = aiter(await bus.subscribe("a"))
    os.kill(server._child.process.pid, signal.SIGSTOP)
    try:
        await until(lambda: not bus.up, "the link is down")
        assert bus.reason
    finally:
        os.kill(server._child.process.pid, signal.SIGCONT)
    await until(lambda: bus.up, "the link is up")
    assert isinstance((await take(sub, 1))[0], BusGap)
    # So short a patience may take a machine that stumbles for another silence: then it heals once more.
    async with asyncio.timeout(DEADLINE):
        heard: object = None
        while heard != BusMessage("a", b"again"):
            with contextlib.suppress(Unavailable):
                await bus.publish("a", b"again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    heard = await anext(sub)
    await bus.close()
    await supervisor.close()


async def test_publishing_to_a_frozen_server_gives_up_by_its_deadline(server: RedisServer):
    supervisor = Supervisor()
    bus = bus_on(server.url, supervisor, Timings())
    await bus.start()
    os.kill(server._child.process.pid, signal.SIGSTOP)
    try:
        # One after the other they would need minutes: the first to find out speaks for all.
        async with asyncio.timeout(DEADLINE):
            results = await asyncio.gather(
                *(bus.publish("a", b"x") for _ in range(200)), return_exceptions=True
            )
        assert all(isinstance(r, Unavailable) for r in results)
        assert not bus.up
    finally:
        os.kill(server._child.process.pid, signal.SIGCONT)
    await until(lambda: bus.up, "the link is up")
    await bus.close()
    await supervisor.close()


async def test_starting_without_a_server_says_down_then_comes_up(tmp_path: Path):
    server = RedisServer(tmp_path)
    supervisor = Supervisor()
    bus = bus_on(server.url, supervisor)
    async with asyncio.timeout(DEADLINE):
        await bus.start()
    assert not bus.up
    sub = aiter(await bus.subscribe("a"))
    await server.start()
    await until(lambda: bus.up, "the link is up")
    assert isinstance((await take(sub, 1))[0], BusGap)
    await bus.publish("a", b"x")
    (item,) = await take(sub, 1)
    assert getattr(item, "payload", None) == b"x"
    await bus.close()
    await supervisor.close()
    await server.stop()


async def test_a_publisher_that_is_cancelled_does_not_shift_the_answers(rig: RedisRig):
    sub = aiter(await rig.two.subscribe("a"))
    for i in range(20):
        task = asyncio.ensure_future(rig.one.publish("a", b"maybe"))
        for _ in range(i % 5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await rig.one.publish("a", b"sure")
    async with asyncio.timeout(DEADLINE):
        async for item in sub:
            if getattr(item, "payload", None) == b"sure":
                break
    assert rig.one.up
