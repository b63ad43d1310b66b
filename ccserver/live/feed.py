"""Keeps a node's live view equal to the telephony owner's rows, or says since when it cannot."""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog
from prometheus_client import Counter

from ccserver.background import Supervisor
from ccserver.domain.errors import Unavailable
from ccserver.domain.stream import (
    ANNOUNCED_TOPICS,
    BLIND_AFTER_SECONDS,
    CHANGES_CHANNEL,
    OWNER_CHANNEL,
    RELOAD_KEY,
    Change,
    NodeChanges,
    OwnerBatch,
    OwnerMessage,
    OwnerSnapshot,
    SnapshotWanted,
)
from ccserver.live.follower import Follower
from ccserver.live.view import LiveView
from ccserver.ports import Bus, BusGap, BusMessage

CHECK_SECONDS = 0.5
ASK_AGAIN_SECONDS = 1.0
"""A snapshot that was asked for and has not come after this long is asked for again."""

GAPS = Counter("ccserver_live_gaps_total", "Times that this node missed something of the owner's stream")
SNAPSHOTS = Counter("ccserver_live_snapshots_total", "Snapshots of the owner that this node applied")
DRIFT = Counter("ccserver_live_drift_total", "Rows that a snapshot changed although nothing was missed")
MALFORMED = Counter("ccserver_live_malformed_total", "Bus messages that could not be read", ["channel"])
STALE = Counter("ccserver_live_stale_total", "Messages of an owner that has been replaced")

_RELOADS = tuple(Change(topic=t, key=RELOAD_KEY, retain=False) for t in sorted(ANNOUNCED_TOPICS - {"me"}))
"""What was announced during a gap is in no snapshot: pages are told to read those tables again."""

log = structlog.get_logger(__name__)


class LiveFeed:
    """Feeds ``view`` from ``bus``. Works without a telephony owner: the view then says it is blind."""

    def __init__(
        self,
        bus: Bus,
        view: LiveView,
        supervisor: Supervisor,
        *,
        node: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.view = view
        self.node = node
        self._bus = bus
        self._supervisor = supervisor
        self._clock = clock
        self._monotonic = monotonic
        self._follower = Follower()
        self._owner_messages = msgspec.json.Decoder(OwnerMessage)
        self._node_changes = msgspec.json.Decoder(NodeChanges)
        self._owner_blind: float | None = None
        self._heard_at = clock()
        self._heard = monotonic()
        self._link_lost = True
        self._life = float("nan")
        self._synced_before = False
        self._asked = -ASK_AGAIN_SECONDS
        self._unbroken = float("inf")
        self._need = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether the rows are known to be the owner's, as far as it has told."""
        return self._follower.synced

    @property
    def owner_epoch(self) -> str:
        """The owner that is followed, "" before the first one was heard: for commands."""
        return self._follower.epoch

    @property
    def heard_at(self) -> float:
        """Epoch seconds of the last thing heard in sync: ``/health`` shows its age as lag."""
        return self._heard_at

    def unbroken_since(self) -> float:
        """Monotonic instant since which no announcement can have been missed; infinity while some may be now."""
        return self._unbroken if self._link_whole else float("inf")

    @property
    def _link_whole(self) -> bool:
        """Whether the bus is up, and was not back again for so short a time that its gap is still to be taken."""
        return self._bus.up and self._bus.since == self._life

    async def start(self) -> None:
        """Blind until the first snapshot; the bus must have been started."""
        self.view.set_blind(self._clock())
        self._supervisor.spawn("live.feed", self._read)
        self._supervisor.spawn("live.watch", self._watch)

    async def close(self) -> None:
        """Stop feeding; the rows stay as they are."""
        await self._supervisor.stop("live.watch")
        await self._supervisor.stop("live.feed")

    async def announce(self, *changes: Change) -> None:
        """Tell every node's pages of changes made here. Never fails: without the bus, this node's only."""
        message = NodeChanges(node=self.node, changes=changes)
        try:
            await self._bus.publish(CHANGES_CHANNEL, msgspec.json.encode(message))
        except Unavailable:
            self.apply_local(*changes)

    def apply_local(self, *changes: Change) -> None:
        """Show changes on this node's pages only, such as the health of its own links."""
        self.view.apply(changes, self._clock())

    def take(self, item: BusMessage | BusGap) -> None:
        """Apply one thing that came from the bus. Messages that cannot be read are counted and skipped."""
        if isinstance(item, BusGap):
            self._lost(item.reason)
            return
        try:
            if item.channel == CHANGES_CHANNEL:
                changes: Sequence[Change] = self._node_changes.decode(item.payload).changes
                self.view.apply(changes, self._clock())
            elif item.channel == OWNER_CHANNEL:
                self._take_owner(self._owner_messages.decode(item.payload))
        except msgspec.MsgspecError as error:
            MALFORMED.labels(channel=item.channel).inc()
            log.warning("bus message cannot be read", channel=item.channel, error=str(error))

    def check(self) -> None:
        """Say since when nothing has been seen, or that all is seen again."""
        if not self._link_whole or self._monotonic() - self._heard > BLIND_AFTER_SECONDS:
            self._link_lost = True
        elif self._follower.synced:  # the link alone is not enough: the rows may be those of before
            self._link_lost = False
        blind = self._heard_at if self._link_lost else None
        if self._owner_blind is not None:
            blind = self._owner_blind if blind is None else min(blind, self._owner_blind)
        self.view.set_blind(blind)

    async def ask_snapshot(self) -> None:
        """Ask the owner for a snapshot if one is needed and none was asked for within the last second."""
        now = self._monotonic()
        if self._follower.synced or now - self._asked < ASK_AGAIN_SECONDS:
            return
        try:
            await self._bus.publish(OWNER_CHANNEL, msgspec.json.encode(SnapshotWanted(node=self.node)))
        except Unavailable:
            return  # the gap after the reconnect asks again
        self._asked = now

    def _take_owner(self, message: OwnerMessage) -> None:
        match message:
            case OwnerBatch():
                if self._is_stale(message.epoch):
                    return
                was_synced = self._follower.synced
                if self._follower.batch(message):
                    self._apply(message)
                elif not self._follower.synced:
                    self._want(was_synced, f"owner {message.epoch} is at {message.seq}")
            case OwnerSnapshot():
                if not self._is_stale(message.epoch):
                    self._apply_snapshot(message)
            case SnapshotWanted():
                return
        self.check()

    def _is_stale(self, epoch: str) -> bool:
        """An owner that was replaced may talk on; it is believed only when its successor is silent."""
        fresh = self._monotonic() - self._heard <= BLIND_AFTER_SECONDS
        stale = fresh and self._follower.is_older_owner(epoch)
        if stale:
            STALE.inc()
        return stale

    def _apply(self, batch: OwnerBatch) -> None:
        self.view.apply(batch.changes, batch.at, "owner")
        self._saw(batch)

    def _apply_snapshot(self, snapshot: OwnerSnapshot) -> None:
        follower = self._follower
        nothing_missed = follower.synced and (follower.epoch, follower.seq) == (snapshot.epoch, snapshot.seq)
        later = follower.snapshot(snapshot)
        if later is None:
            return
        differences = self.view.reconcile(snapshot.changes, snapshot.at)
        if nothing_missed:
            DRIFT.inc(differences)
        else:
            if self._synced_before:
                self.view.apply(_RELOADS, snapshot.at)
            self._synced_before = True
            SNAPSHOTS.inc()
            log.info("live rows in sync", owner=snapshot.epoch, seq=snapshot.seq, corrected=differences)
        self._saw(snapshot)
        for batch in later:
            self._apply(batch)
        if not follower.synced:
            self._want(False, "missed something before the snapshot")

    def _saw(self, message: OwnerBatch | OwnerSnapshot) -> None:
        self._heard_at = self._clock()
        self._heard = self._monotonic()
        self._owner_blind = message.blind_since

    def _lost(self, reason: str) -> None:
        was_synced = self._follower.synced
        self._unbroken = self._monotonic()
        self._life = self._bus.since
        self._follower.lost()
        self._want(was_synced, reason)

    def _want(self, was_synced: bool, reason: str) -> None:
        if was_synced:
            GAPS.inc()
            log.warning("live rows out of sync", reason=reason, seq=self._follower.seq)
        self._need.set()

    async def _read(self) -> None:
        subscription = await self._bus.subscribe(OWNER_CHANNEL, CHANGES_CHANNEL)
        try:
            self._lost("subscribed anew")
            async for item in subscription:
                self.take(item)
        finally:
            await subscription.close()

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._need.wait()
            except TimeoutError:
                pass
            self._need.clear()
            self.check()
            await self.ask_snapshot()
