"""Commands on the owner's side: in order where they concern the same call, and never one behind a slow other."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from ccserver.bus.memory import MemoryBus
from ccserver.domain.errors import Conflict
from ccserver.domain.stream import Command
from ccserver.live.commands import Commands, CommandServer, Value

ACTOR = UUID(int=1)


class Office:
    """A handler whose slow commands last until ``open`` is set."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.begun: list[str] = []
        self.done: list[str] = []
        bus = MemoryBus()
        self.asking = Commands(bus, "node", time.time)
        self.server = CommandServer(bus, self.handle, time.time)

    async def handle(self, command: Command) -> dict[str, Value]:
        self.begun.append(command.name)
        if command.body.get("slow"):
            await self.open.wait()
        if command.body.get("refused"):
            raise Conflict("call_exists")
        self.done.append(command.name)
        return {"name": command.name}

    async def ask(self, name: str, **body: Value) -> dict[str, Value]:
        return await self.asking.ask(name, actor=ACTOR, tenant_id=ACTOR, **body)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    made = Office()
    tasks = [asyncio.create_task(made.server.run()), asyncio.create_task(made.asking.run())]
    await asyncio.sleep(0)
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_slow_reload_delays_no_hang_up(office: Office) -> None:
    slow = asyncio.create_task(office.ask("directory.changed", slow=True))
    again = asyncio.create_task(office.ask("directory.changed"))
    applied = asyncio.create_task(office.ask("config.apply", slow=True))
    assert await office.ask("call.hangup", call_id="c") == {"name": "call.hangup"}
    assert office.done == ["call.hangup"]
    assert office.begun.count("directory.changed") == 1, "one reload at a time"
    office.open.set()
    await asyncio.gather(slow, again, applied)
    assert sorted(office.done) == ["call.hangup", "config.apply", "directory.changed", "directory.changed"]


async def test_commands_about_one_call_keep_their_order(office: Office) -> None:
    placed = asyncio.create_task(office.ask("call.place", call_id="c", agent_id="a", slow=True))
    await asyncio.sleep(0)
    ended = asyncio.create_task(office.ask("call.hangup", call_id="c"))
    await asyncio.sleep(0)
    await office.ask("call.hangup", call_id="d")
    assert office.begun == ["call.place", "call.hangup"] and office.done == ["call.hangup"]
    office.open.set()
    await asyncio.gather(placed, ended)
    assert office.done == ["call.hangup", "call.place", "call.hangup"]


async def test_a_refusal_travels_back_and_leaves_the_lane_open(office: Office) -> None:
    with pytest.raises(Conflict):
        await office.ask("call.place", call_id="c", refused=True)
    assert await office.ask("call.hangup", call_id="c")
