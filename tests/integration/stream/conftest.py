"""A node on the memory bus with an owner, on asyncio's loop and on uvloop."""

import asyncio

import pytest
import uvloop
from ccserver.bus.memory import MemoryBus

from tests.rig.node import running
from tests.rig.owner import FakeOwner
from tests.rig.wait import until


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item):
    """Both loops: their transports differ in what the stream leans on."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def bus():
    bus = MemoryBus()
    yield bus
    await bus.close()


@pytest.fixture
async def owner(bus: MemoryBus):
    owner = FakeOwner(bus)
    await owner.serve()
    yield owner
    await owner.stop()


@pytest.fixture
async def node(bus: MemoryBus, owner: FakeOwner):
    async with running(bus) as node:
        await until(lambda: node.feed.synced, "the feed is in step")
        yield node
