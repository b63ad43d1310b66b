"""The owner's voice: rows that changed, numbered, to every live view; a heartbeat when nothing changes."""

import asyncio
import contextlib
from collections.abc import Callable
from uuid import UUID

import msgspec
import structlog

from ccserver.domain.errors import Unavailable
from ccserver.domain.stream import (
    DELETED,
    HEARTBEAT_SECONDS,
    OWNER_CHANNEL,
    Change,
    OwnerBatch,
    OwnerMessage,
    OwnerSnapshot,
    SnapshotWanted,
)
from ccserver.ports import Bus, BusMessage

log = structlog.get_logger(__name__)
_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[OwnerMessage] = msgspec.json.Decoder(OwnerMessage)


class Publisher:
    """Collects changes of one turn of the ingest loop into one batch. Never waits for the bus in ``put``."""

    def __init__(self, bus: Bus, epoch: str, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._epoch = epoch
        self._clock = clock
        self._seq = 0
        self._rows: dict[tuple[str, str], Change] = {}
        self._pending: dict[tuple[str, str], Change] = {}
        self._announcements: list[Change] = []
        self._dirty = asyncio.Event()
        self.blind_since: float | None = None

    def put(
        self,
        topic: str,
        key: str,
        row: msgspec.Raw,
        where: tuple[UUID | None, UUID | None, UUID | None],
        *,
        retain: bool = True,
    ) -> None:
        """A row is so now, as ``rows.encoded`` made it. ``where``: its tenant, site and agent."""
        tenant_id, site_id, user_id = where
        change = Change(
            topic=topic,
            key=key,
            row=row,
            tenant_id=tenant_id,
            site_id=site_id,
            user_id=user_id,
            retain=retain,
        )
        if not retain:
            self._announcements.append(change)
        else:
            name = (topic, key)
            if row is DELETED:
                self._rows.pop(name, None)
            else:
                self._rows[name] = change
            self._pending[name] = change
        self._dirty.set()

    def blind(self, since: float | None) -> None:
        """Since when the owner itself does not see Asterisk; None when it does."""
        if since != self.blind_since:
            self.blind_since = since
            self._dirty.set()

    async def run(self) -> None:
        """Publishes until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._dirty.wait()
            self._dirty.clear()
            await self._publish(self._batch())

    async def answer(self) -> None:
        """Answers nodes that want a snapshot, until cancelled."""
        subscription = await self._bus.subscribe(OWNER_CHANNEL)
        try:
            async for message in subscription:
                if not isinstance(message, BusMessage):
                    continue
                with contextlib.suppress(msgspec.DecodeError):
                    if isinstance(_DECODER.decode(message.payload), SnapshotWanted):
                        await self._publish(self._snapshot())
        finally:
            await subscription.close()

    def _batch(self) -> OwnerBatch:
        changes = (*self._pending.values(), *self._announcements)
        self._pending.clear()
        self._announcements.clear()
        if changes:
            self._seq += 1
        return OwnerBatch(
            epoch=self._epoch,
            seq=self._seq,
            at=self._clock(),
            changes=changes,
            blind_since=self.blind_since,
        )

    def _snapshot(self) -> OwnerSnapshot:
        return OwnerSnapshot(
            epoch=self._epoch,
            seq=self._seq,
            at=self._clock(),
            # What is pending belongs to the next batch: a view that applies both ends up the same.
            changes=tuple(self._rows.values()),
            blind_since=self.blind_since,
        )

    async def _publish(self, message: OwnerBatch | OwnerSnapshot) -> None:
        try:
            await self._bus.publish(OWNER_CHANNEL, _ENCODER.encode(message))
        except Unavailable:
            # Nodes notice the hole in the sequence, or the silence, and ask for a snapshot.
            log.debug("bus is away, batch dropped", seq=message.seq)
