"""A sink that remembers what a link said, in order, and lets a test wait for the next thing without
sleeping; and an address where nobody is.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ccserver.ports import AmiEvent, AriEvent, LinkDown, LinkUp

T = TypeVar("T")
Item = LinkUp | LinkDown | AmiEvent | AriEvent


@contextmanager
def nobody_there() -> Iterator[int]:
    """A port of this machine that refuses every connection: held, so that nobody else can listen there."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Sink:
    """Callable as ``sink``; ``seconds`` bounds every wait so that a fault is a failure and not a hang."""

    def __init__(self, seconds: float = 45.0) -> None:
        self.items: list[Item] = []
        self._queue: asyncio.Queue[Item] = asyncio.Queue()
        self._seconds = seconds

    def __call__(self, item: Any) -> None:
        self.items.append(item)
        self._queue.put_nowait(item)

    async def next(self) -> Item:
        async with asyncio.timeout(self._seconds):
            return await self._queue.get()

    async def up(self) -> LinkUp:
        return await self.until(LinkUp)

    async def down(self) -> LinkDown:
        return await self.until(LinkDown)

    async def until(self, kind: type[T]) -> T:
        """The next item of this kind; what comes before it is passed over."""
        while True:
            item = await self.next()
            if isinstance(item, kind):
                return item

    async def event(self, name: str) -> dict[str, Any]:
        """The next AMI event of this name, or ARI event of this type, as a dict."""
        while True:
            item = await self.next()
            if isinstance(item, AmiEvent) and item.headers["Event"] == name:
                return dict(item.headers)
            if isinstance(item, AriEvent) and item.body.get("type") == name:
                return dict(item.body)

    def links(self) -> list[str]:
        """``up`` and ``down`` in the order told."""
        return [
            "up" if isinstance(i, LinkUp) else "down" for i in self.items if isinstance(i, LinkUp | LinkDown)
        ]
