"""The bounded queue between a bus and one of its readers; the same for every kind of bus."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from prometheus_client import Counter

from ccserver.ports import BusGap, BusMessage

MAX_MESSAGES = 10_000
MAX_BYTES = 32 * 1024 * 1024
"""A reader this far behind reads no history: what waits is dropped and a gap takes its place."""

DROPPED = Counter("ccserver_bus_dropped_total", "Messages dropped: their reader was too slow", ["channel"])


class QueueSubscription:
    """ports.Subscription on a deque: one reader, any number of channels, bounded in messages and bytes."""

    def __init__(
        self,
        channels: tuple[str, ...],
        on_close: Callable[["QueueSubscription"], None],
        *,
        max_messages: int = MAX_MESSAGES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.channels = frozenset(channels)
        self._on_close = on_close
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._items: deque[BusMessage | BusGap] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, message: BusMessage) -> None:
        """Queue one message. When the queue is full, drop all of it: newer is worth more than older."""
        if self._closed:
            return
        if self._items and (
            len(self._items) >= self._max_messages or self._bytes + len(message.payload) > self._max_bytes
        ):
            self._drop_all()
        self._items.append(message)
        self._bytes += len(message.payload)
        self._wake.set()

    def gap(self, reason: str) -> None:
        """Mark that messages may be missing from here on; gaps in a row are one gap."""
        if self._closed or (self._items and isinstance(self._items[-1], BusGap)):
            return
        self._items.append(BusGap(reason))
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[BusMessage | BusGap]:
        return self

    async def __anext__(self) -> BusMessage | BusGap:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        item = self._items.popleft()
        if isinstance(item, BusMessage):
            self._bytes -= len(item.payload)
        return item

    async def close(self) -> None:
        """End the iteration; what waits is forgotten. May be called twice."""
        if not self._closed:
            self._closed = True
            self._items.clear()
            self._wake.set()
            self._on_close(self)

    def _drop_all(self) -> None:
        for item in self._items:
            if isinstance(item, BusMessage):
                DROPPED.labels(channel=item.channel).inc()
        self._items.clear()
        self._bytes = 0
        self._items.append(BusGap("overflow"))
