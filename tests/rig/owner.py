"""A telephony owner without telephony: rows put by the test, published as the real one does."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from ccserver.domain.errors import Unavailable
from ccserver.domain.stream import (
    DELETED,
    OWNER_CHANNEL,
    Change,
    OwnerBatch,
    OwnerMessage,
    OwnerSnapshot,
    SnapshotWanted,
)
from ccserver.ports import Bus, BusMessage

_EPOCHS = itertools.count(1)


def change(
    topic: str,
    key: str,
    row: dict[str, Any] | None = None,
    *,
    tenant: UUID | None = None,
    site: UUID | None = None,
    user: UUID | None = None,
    retain: bool = True,
) -> Change:
    """A change with its row encoded."""
    raw = DELETED if row is None else msgspec.Raw(msgspec.json.encode(row))
    return Change(topic=topic, key=key, row=raw, tenant_id=tenant, site_id=site, user_id=user, retain=retain)


class FakeOwner:
    """Publishes batches and, while ``serving``, answers requests for snapshots and sends heartbeats."""

    def __init__(self, bus: Bus, *, clock: Callable[[], float] = time.time, epoch: str = "") -> None:
        self.bus = bus
        self.epoch = epoch or f"owner-{next(_EPOCHS):06d}"
        self.seq = 0
        self.blind_since: float | None = None
        self.rows: dict[tuple[str, str], Change] = {}
        self.snapshots_sent = 0
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    async def put(self, *changes: Change, lose: bool = False) -> None:
        """Make changes and publish them as one batch; ``lose`` numbers it and does not send it."""
        for c in changes:
            if c.deleted:
                self.rows.pop((c.topic, c.key), None)
            elif c.retain:
                self.rows[c.topic, c.key] = c
        self.seq += 1
        if not lose:
            await self._publish(self._batch(changes))

    async def beat(self) -> None:
        await self._publish(self._batch(()))

    async def snapshot(self) -> None:
        self.snapshots_sent += 1
        await self._publish(
            OwnerSnapshot(
                epoch=self.epoch,
                seq=self.seq,
                at=self._clock(),
                changes=tuple(self.rows.values()),
                blind_since=self.blind_since,
            )
        )

    async def serve(self, *, beat_seconds: float = 0.2) -> None:
        """Answer and beat until ``stop``."""
        subscription = await self.bus.subscribe(OWNER_CHANNEL)
        decoder = msgspec.json.Decoder(OwnerMessage)

        async def answer() -> None:
            async for item in subscription:
                if isinstance(item, BusMessage) and isinstance(decoder.decode(item.payload), SnapshotWanted):
                    await self.snapshot()

        async def beat() -> None:
            while True:
                await self.beat()
                await asyncio.sleep(beat_seconds)

        self._tasks = [asyncio.create_task(answer()), asyncio.create_task(beat())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def _batch(self, changes: tuple[Change, ...]) -> OwnerBatch:
        return OwnerBatch(
            epoch=self.epoch, seq=self.seq, at=self._clock(), changes=changes, blind_since=self.blind_since
        )

    async def _publish(self, message: OwnerMessage) -> None:
        with contextlib.suppress(Unavailable):  # as the real owner: nodes see the hole in the numbers
            await self.bus.publish(OWNER_CHANNEL, msgspec.json.encode(message))
