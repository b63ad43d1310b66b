"""One run of one stage of ours over the capture, in a process of its own; prints its figures as JSON.

    python -m tests.bench.pipeline_run STAGE CALLS WARM burst|live

CPU is that of the whole process, threads included, from the first measured byte to silence.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import cast
from uuid import UUID

import uvloop
from ccserver import logs, memory
from ccserver.background import Supervisor
from ccserver.bus.memory import MemoryBus
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.callbook import CallBook
from ccserver.domain.directory import Agent, Directory, Site, Trunk
from ccserver.domain.ids import uuid7
from ccserver.domain.normalise import WANTED_EVENTS, normalise
from ccserver.live.engine import AmiItem, Engine
from ccserver.live.feed import LiveFeed
from ccserver.live.journal import Journal
from ccserver.live.owner import new_id
from ccserver.live.publisher import Publisher
from ccserver.live.view import LiveView
from ccserver.ports import AmiEvent
from ccserver.telephony.ami import AmiLink

from tests.bench.ami_capture import multiply
from tests.bench.pipeline_measure import Progress, measure

STAGES = ("parse all", "parse", "normalise", "machines", "journal", "whole")


class Nothing:
    """A journal and a publisher that take everything and do nothing."""

    def append(self, record: object) -> None: ...

    def put(self, *row: object, **more: object) -> None: ...

    def blind(self, since: float | None) -> None: ...


def directory(extensions: tuple[str, ...]) -> Directory:
    """An organisation with one site, its trunk, and a phone for each extension."""
    tenant, site = UUID(int=1), UUID(int=2)
    return Directory(
        sites=[
            Site(
                id=site, tenant_id=tenant, slug="paris", name="Paris", zone="Europe/Paris", country="FR",
                caller_id="+33145670000",
            )
        ],
        trunks=[
            Trunk(
                id=UUID(int=3), tenant_id=tenant, site_id=site, slug="paris", host="127.0.0.2", port=5060,
                codecs=("alaw",), priority=1,
            )
        ],
        agents=[
            Agent(
                id=UUID(int=int(extension)), tenant_id=tenant, login=f"agent{extension}", name=f"Agent {extension}",
                site_id=site, extension=extension, active=True,
            )
            for extension in extensions
        ],
    )  # fmt: skip


def make_engine(journal: Journal, publisher: Publisher, extensions: tuple[str, ...]) -> Engine:
    """The owner's engine with every agent logged in."""
    engine: Engine
    book = CallBook("bench", lambda e: engine.resolve(e), lambda raw, site: engine.clean(raw, site))
    engine = Engine(epoch="bench", book=book, agents=AgentBook(new_id), journal=journal, publisher=publisher)
    engine.set_directory(directory(extensions))
    session = uuid7(0, bytes(10))
    engine.present({UUID(int=int(extension)): session for extension in extensions})
    return engine


async def ours(port: int, sink: Callable[[AmiItem], None], wanted: frozenset[str] | None) -> Progress:
    link = AmiLink("127.0.0.1", port, "u", "s", sink, time.time, wanted=wanted)
    await link.start()
    counters = link.counters
    return lambda: counters.events + counters.unwanted_events


async def read(port: int, engine: Engine) -> Progress:
    """The engine on the link; an event is done when the engine has handled it."""
    progress = await ours(port, engine.take_ami, WANTED_EVENTS)
    return lambda: progress() - engine.waiting


async def parse_all(port: int, extensions: tuple[str, ...]) -> Progress:
    return await ours(port, lambda item: None, None)


async def parse(port: int, extensions: tuple[str, ...]) -> Progress:
    return await ours(port, lambda item: None, WANTED_EVENTS)


async def only_normalise(port: int, extensions: tuple[str, ...]) -> Progress:
    def sink(item: AmiItem) -> None:
        if isinstance(item, AmiEvent):
            normalise(item.headers, item.at)

    return await ours(port, sink, WANTED_EVENTS)


async def machines(port: int, extensions: tuple[str, ...]) -> Progress:
    nothing = Nothing()
    engine = make_engine(cast(Journal, nothing), cast(Publisher, nothing), extensions)
    SUPERVISOR.spawn("engine", engine.run)
    return await read(port, engine)


async def journalled(port: int, extensions: tuple[str, ...]) -> Progress:
    journal = Journal(Path(HOME.name))
    await journal.open()
    engine = make_engine(journal, cast(Publisher, Nothing()), extensions)
    SUPERVISOR.spawn("engine", engine.run)
    return await read(port, engine)


async def whole(port: int, extensions: tuple[str, ...]) -> Progress:
    """As ccserver/live/owner.py and ccserver/app.py put it together, in one process."""
    bus = MemoryBus()
    view = LiveView("bench")
    publisher = Publisher(bus, "bench", time.time)
    SUPERVISOR.spawn("publisher", publisher.run)
    SUPERVISOR.spawn("snapshots", publisher.answer)
    await asyncio.sleep(0)
    feed = LiveFeed(bus, view, SUPERVISOR, node="bench")
    await feed.start()
    journal = Journal(Path(HOME.name))
    await journal.open()
    engine = make_engine(journal, publisher, extensions)
    SUPERVISOR.spawn("engine", engine.run)
    while not feed.synced:
        await asyncio.sleep(0.01)
    VIEWS.append(view)
    return await read(port, engine)


SUPERVISOR = Supervisor()
HOME = tempfile.TemporaryDirectory(prefix="ccs-bench-")
VIEWS: list[LiveView] = []
READERS: dict[str, Callable[[int, tuple[str, ...]], Awaitable[Progress]]] = dict(
    zip(STAGES, (parse_all, parse, only_normalise, machines, journalled, whole), strict=True)
)


def rows_seen() -> int:
    """Grows as long as something is on its way to the view."""
    return VIEWS[0].seq if VIEWS else 0


def main() -> None:
    logs.configure("json", "INFO")
    memory.settle()
    stage, calls, warm, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    capture = multiply(calls)
    reader = partial(READERS[stage], extensions=capture.extensions)
    figures = uvloop.run(measure(reader, len(capture.messages), calls, warm, mode, rows_seen))
    print(json.dumps({**figures, "changes": rows_seen()}), flush=True)
    HOME.cleanup()
    os._exit(0)  # links and threads are left to the system: their farewell is none of the figures


if __name__ == "__main__":
    main()
