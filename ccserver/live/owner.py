"""The telephony owner: exactly one over all processes, by an advisory lock of PostgreSQL.

A standby tries the lock each second. Who gets it reigns: drains what its journal holds, restores open calls and
agents, connects to Asterisk (which replaces the old owner's ARI application) and acts until the lock is another's
or Asterisk says ApplicationReplaced. PostgreSQL away does not end a reign: nobody else can take the lock either.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import structlog
from msgspec.structs import replace

from ccserver.background import Supervisor
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.callbook import CallBook
from ccserver.domain.errors import Unavailable
from ccserver.domain.ids import uuid7
from ccserver.domain.stream import CHANGES_CHANNEL, Command
from ccserver.live.commands import CommandServer, Value
from ccserver.live.control import Control
from ccserver.live.desk import Desk
from ccserver.live.engine import Engine
from ccserver.live.journal import Journal
from ccserver.live.late import LateEnds
from ccserver.live.links import ami_link, ari_link
from ccserver.live.logins import Logins
from ccserver.live.pbx_keeper import PbxKeeper
from ccserver.live.publisher import Publisher
from ccserver.live.resync import CEL_MARGIN_SECONDS, Resync
from ccserver.live.seen import SeenMark
from ccserver.live.writer import Writer
from ccserver.ports import AsteriskStarter, Bus, BusMessage
from ccserver.settings import Settings
from ccserver.storage.calls import (
    IntervalRecord,
    database_clock,
    ended_since,
    ensure_partitions,
    last_seen_at,
    logged_in,
    open_calls,
    open_intervals,
)
from ccserver.storage.directory import load_directory
from ccserver.storage.leader import LeaderLock
from ccserver.storage.pool import Database
from ccserver.telephony.ari import Ari

log = structlog.get_logger(__name__)

LOCK_SECONDS = 1.0
LOCK_LOOKS = 5
"""So many times in a row the lock must be another's: it may be our own session that PostgreSQL has not ended yet."""
REPLACED_PAUSE_SECONDS = 5.0
PRESENCE_SECONDS = 10.0
DRAIN_SECONDS = 3.0
PARTITIONS_SECONDS = 6 * 3600.0
REMEMBER_SECONDS = 12 * 3600.0
SYSTEM = "ccserver"
"""Part of the ids of calls that Asterisk begins: one Asterisk per installation."""


_ENTROPY_BYTES = 10


def _entropy() -> Iterator[bytes]:
    """Random bytes, asked of the system for many ids at once: a system call costs as much as all of an id."""
    while True:
        pool = os.urandom(_ENTROPY_BYTES * 256)
        for at in range(0, len(pool), _ENTROPY_BYTES):
            yield pool[at : at + _ENTROPY_BYTES]


_ids_entropy = _entropy()


def new_id(at: float | None = None) -> UUID:
    """A UUIDv7 of now, or of the instant given (epoch seconds). For the event loop's thread only."""
    return uuid7(int((time.time() if at is None else at) * 1000), next(_ids_entropy))


class Owner:
    """Runs reigns for ever: ``run`` under a supervisor. ``state`` is standby | starting | reigning."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        bus: Bus,
        clock: Callable[[], float] = time.time,
        starter: AsteriskStarter | None = None,
    ) -> None:
        self._settings = settings
        self._starter = starter
        self._database = database
        self._bus = bus
        self._clock = clock
        self.state = "standby"
        self.since = clock()
        self.reign: Reign | None = None

    async def run(self) -> None:
        """Waits for the lock, reigns, and again."""
        lock = LeaderLock(self._database)
        try:
            while True:
                if not await _acquired(lock):
                    await asyncio.sleep(LOCK_SECONDS)
                    continue
                self._turn("starting")
                replaced = await self._reign(lock)
                self._turn("standby")
                await lock.release()
                await asyncio.sleep(REPLACED_PAUSE_SECONDS if replaced else LOCK_SECONDS)
        finally:
            await lock.release()

    async def _epoch(self) -> str:
        """The name of a new reign, by PostgreSQL's clock: those of two machines may disagree on who came later."""
        while True:
            try:
                async with self._database.system() as connection:
                    now = await database_clock(connection)
                return f"{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}"
            except Unavailable:
                log.warning("waiting for the database before reigning")
                await asyncio.sleep(LOCK_SECONDS)

    async def _reign(self, lock: LeaderLock) -> bool:
        """One reign; whether it ended because another owner replaced our ARI application."""
        epoch = await self._epoch()
        reign = Reign(epoch, self._settings, self._database, self._bus, self._clock, self._starter)
        try:
            while True:
                try:
                    await reign.restore()
                    break
                except Unavailable:
                    log.warning("waiting for the database before reigning")
                    await asyncio.sleep(LOCK_SECONDS)
            self.reign = reign
            await reign.start()
            self._turn("reigning")
            lost = 0
            while not reign.replaced.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOCK_SECONDS):
                        await reign.replaced.wait()
                if await lock.still_held() or not self._database.up or await _acquired(lock, away=True):
                    lost = 0
                    continue
                lost += 1
                if lost >= LOCK_LOOKS:
                    log.warning("another process holds the owner's lock: standing down")
                    return False
            log.warning("our ARI application was replaced by another owner: standing down")
            return True
        finally:
            self.reign = None
            await reign.close()

    def _turn(self, state: str) -> None:
        self.state, self.since = state, self._clock()
        log.info("telephony owner", state=state)


async def _acquired(lock: LeaderLock, *, away: bool = False) -> bool:
    """Whether the lock is ours; ``away`` is the answer when PostgreSQL cannot be asked."""
    try:
        return await lock.try_acquire()
    except Unavailable:
        return away


class Reign:
    """Everything that lives while this process is the owner."""

    def __init__(
        self,
        epoch: str,
        settings: Settings,
        database: Database,
        bus: Bus,
        clock: Callable[[], float],
        starter: AsteriskStarter | None = None,
    ) -> None:
        self.epoch = epoch
        self.replaced = asyncio.Event()
        self._database = database
        self._bus = bus
        self._clock = clock
        self.supervisor = Supervisor()
        self.journal = Journal(settings.data_dir / "journal")
        self.publisher = Publisher(bus, self.epoch, clock)
        self.writer = Writer(self.journal, database, LateEnds(self.publisher, clock))
        book = CallBook(SYSTEM, lambda endpoint: self.engine.resolve(endpoint), self._clean)
        self.engine = Engine(
            epoch=self.epoch,
            book=book,
            agents=AgentBook(new_id),
            journal=self.journal,
            publisher=self.publisher,
            clock=clock,
        )
        self.desk = Desk(self.engine, self.reload_directory, clock, self.journal.stored)
        self.ari = Ari(settings.ari_url, settings.ari_user, settings.ari_secret)
        self.control = Control(
            self.ari, settings.ari_app, self.desk.ways, self.supervisor, book.get, self.engine
        )
        self.ami_link = ami_link(settings, self.engine.take_ami, clock)
        self.ari_link = ari_link(settings, self.engine.take_ari, clock)
        self.logins = Logins(self.ami_link)
        self.pbx_keeper = PbxKeeper(
            settings,
            database,
            self.ami_link,
            starter=starter,
            publish=self.publisher.put,
            supervisor=self.supervisor,
            clock=clock,
        )
        self._commands = CommandServer(bus, self._handle, clock)
        self._cel_file = settings.asterisk_cel_file
        self._mark = SeenMark(settings.data_dir / "journal" / "seen")
        self._seen_from = 0.0
        self._opened = False
        self._reading = asyncio.Lock()

    def _clean(self, raw: str, site_id: UUID | None) -> str:
        return self.engine.clean(raw, site_id)

    async def _handle(self, command: Command) -> dict[str, Value]:
        handler = self.pbx_keeper if command.name.startswith("config.") else self.desk
        return await handler.handle(command)

    async def restore(self) -> None:
        """Takes up where the last owner was, from the journal it left here and from PostgreSQL."""
        if not self._opened:
            await self.journal.open()
            self._opened = True
        await self._make_partitions()
        if not await self.writer.drain():
            raise Unavailable("database_away")
        async with self._database.system() as connection:
            directory = await load_directory(connection)
            calls = await open_calls(connection)
            intervals = await open_intervals(connection)
            sessions = await logged_in(connection)
            seen = max(await self._mark.read(), await last_seen_at(connection))
            # A first start has nothing to catch up with: what was before it is none of ours.
            cel_from = seen - CEL_MARGIN_SECONDS if seen else self._clock()
            ended = await ended_since(connection, cel_from - REMEMBER_SECONDS)
        if not seen:
            # Killed within its first second, it is caught up with all the same, and no call of before it with it.
            self._seen_from = cel_from + CEL_MARGIN_SECONDS
            with contextlib.suppress(OSError):
                await self._mark.write(self._seen_from)
        engine, now = self.engine, self._clock()
        engine.set_directory(directory)
        engine.book.remember_ended(ended)
        engine.book.restore(calls)
        for stranger in engine.agents.restore(intervals):
            closed = replace(stranger, until=max(now, stranger.begun_at))
            self.journal.append(IntervalRecord(epoch=self.epoch, interval=closed))
        for call in engine.book:
            for step in engine.agents.call_changed(call, now):
                engine.agent_stepped(step)
        engine.present(sessions)
        engine.set_directory(directory)
        engine.control = self.control
        engine.on_replaced = self._stop_acting
        engine.reach.on_back = self.logins.again
        engine.resync = Resync(
            engine=engine,
            ami=self.ami_link,
            ari=self.ari,
            control=self.control,
            links_up=lambda: self.ami_link.up and self.ari_link.up,
            cel_file=self._cel_file,
            clock=self._clock,
            cel_from=cel_from,
        ).run

    def _stop_acting(self) -> None:
        """Another owner has our application: not one command more, whatever the lock says and how long it takes."""
        self.engine.control = None
        self.replaced.set()

    async def start(self) -> None:
        """Begins to see, act and speak."""
        spawn = self.supervisor.spawn
        spawn("journal writer", self.writer.run)
        spawn("publisher", self.publisher.run)
        spawn("snapshots", self.publisher.answer)
        spawn("commands", self._commands.run)
        spawn("engine", self.engine.run)
        spawn("logins", self.logins.run)
        spawn("owner health", self._watch)
        spawn("presence clock", self._look_often)
        spawn("presence news", self._hear_news)
        spawn("asterisk configuration", self.pbx_keeper.run)
        spawn("partitions", self._partitions)
        await self.ami_link.start()
        await self.ari_link.start()

    async def close(self) -> None:
        """Stops acting at once, then lets everything go."""
        self.engine.control = None
        await self.ari_link.close()
        await self.ami_link.close()
        self.engine.tell()
        await self.supervisor.close()
        await self.ari.close()
        if self._opened:
            await self.journal.close()
            # The next owner may be on another machine: what is only here goes to PostgreSQL before the lock does.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self.writer.drain()

    async def reload_directory(self) -> None:
        """Reads users, phones, sites, trunks and DIDs again."""
        await self._read_directory()
        self.pbx_keeper.wake()

    async def _read_directory(self) -> None:
        # One at a time: what was read first must not be taken up last.
        async with self._reading:
            async with self._database.system() as connection:
                directory = await load_directory(connection)
            if not directory.same_as(self.engine.directory):
                self.engine.set_directory(directory)

    async def _look_at_sessions(self) -> None:
        with contextlib.suppress(Unavailable):
            async with self._reading:
                async with self._database.system() as connection:
                    sessions = await logged_in(connection)
                self.engine.present(sessions)

    async def _look_often(self) -> None:
        """Sessions that expire announce nothing, and news of the directory are lost while the bus is away."""
        while True:
            await asyncio.sleep(PRESENCE_SECONDS)
            await self._look_at_sessions()
            with contextlib.suppress(Unavailable):
                await self._read_directory()

    async def _hear_news(self) -> None:
        """Logins and logouts are announced to pages under the topic ``me``; agents' states follow them."""
        subscription = await self._bus.subscribe(CHANGES_CHANNEL)
        try:
            async for message in subscription:
                if not isinstance(message, BusMessage) or b'"me"' in message.payload:
                    await self._look_at_sessions()
        finally:
            await subscription.close()

    async def _watch(self) -> None:
        """Keeps the rows of the journal and of PostgreSQL true."""
        while True:
            full = self.journal.full or bool(self.journal.error)
            detail = self.journal.error or ("full" if self.journal.full else "")
            backlog = self.journal.backlog_bytes
            self.engine.set_link("journal", up=not full, detail=detail or (f"{backlog} B" if backlog else ""))
            self.engine.set_link("postgresql", up=self._database.up, detail=self._database.detail)
            if not self.engine.blind:
                await self._mark.write(max(self._clock(), self._seen_from))
            await asyncio.sleep(1.0)

    async def _partitions(self) -> None:
        """Makes the partitions of months to come, long before they are needed."""
        while True:
            await asyncio.sleep(PARTITIONS_SECONDS)
            await self._make_partitions()

    async def _make_partitions(self) -> None:
        try:
            async with self._database.system() as connection:
                await ensure_partitions(connection)
        except Unavailable:
            raise
        except Exception:
            # Rows of a month that came before its partition lie in the default one: no reason not to reign.
            log.exception("partitions could not be made")
