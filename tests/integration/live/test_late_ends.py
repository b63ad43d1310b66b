"""Who read the history between the end of a call and its late write is told, once it is in PostgreSQL."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from ccserver.background import Supervisor
from ccserver.bus.redis import RedisBus, Timings
from ccserver.domain.stream import RELOAD_KEY
from ccserver.live.journal import Journal
from ccserver.live.late import LateEnds
from ccserver.live.publisher import Publisher
from ccserver.live.writer import Writer
from ccserver.stack.redis_server import RedisServer
from ccserver.storage.pool import Database

from tests.integration.storage.test_calls import prepared, records_of, stored
from tests.rig.node import Browser, running
from tests.rig.wait import PATIENCE_SECONDS, until
from tests.unit.domain.book import AGENT_LEG, CUSTOMER_LEG, T0, Play

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def told_to_read_again(browser: Browser) -> None:
    """The next delta says that the history must be read again, and nothing else."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert (await browser.until("delta"))["changes"] == [["history", RELOAD_KEY, None]]


async def test_pages_are_told_of_ends_that_were_written_late(tmp_path: Path, database: Database) -> None:
    tenant, _ = await prepared(database)
    async with AsyncExitStack() as stack:
        server = RedisServer(tmp_path / "redis")
        await server.start()
        stack.push_async_callback(server.stop, at_once=True)

        async def link() -> RedisBus:
            links = Supervisor()
            bus = RedisBus(server.url, links, timings=Timings(connect=20, publish=20, silence=20))
            await bus.start()
            stack.push_async_callback(links.close)
            stack.push_async_callback(bus.close)
            return bus

        owner = await link()
        supervisor = Supervisor()
        stack.push_async_callback(supervisor.close)
        publisher = Publisher(owner, "owner-1", time.time)
        supervisor.spawn("publisher", publisher.run)
        supervisor.spawn("snapshots", publisher.answer)
        node = await stack.enter_async_context(running(await link()))
        await until(lambda: node.feed.synced, "the feed is in step")
        page = await node.board("history")

        journal = Journal(tmp_path / "journal")
        await journal.open()
        stack.push_async_callback(journal.close)
        writer = Writer(journal, database, LateEnds(publisher, time.time))
        play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).up(2, CUSTOMER_LEG)
        for record in records_of(play.gone(9, CUSTOMER_LEG).gone(10, AGENT_LEG), tenant, "1"):
            journal.append(record)
        supervisor.spawn("journal writer", writer.run)
        await told_to_read_again(page)
        assert await stored(database) == (T0 + 10, False, "answered"), "read now, it is there"
