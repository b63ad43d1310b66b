"""Where frames go: the write side of one connection, without waiting and without a queue of its own.

Frames bypass aiohttp's writer: they are whole and uncompressed, so they may stand between its pings and
closes. They also bypass the loop's transport as long as nothing waits in it, because the kernel's copy is
most of the cost of a send and everything above it can be spared (docs/decisions/0004-node-epoch.md).
"""

import asyncio
import contextlib
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from ccserver.web.stream.codec import Frame, websocket_close
from ccserver.web.stream.protocol import CloseCode

SEND_BUFFER_BYTES = 64 * 1024
"""What the kernel may hold for one client (it doubles this): a client that stops reading is soon noticed."""

GOODBYE_SECONDS = 2.0
"""A client that has not closed this long after it was told to is cut off."""


class Handle(Protocol):
    """A call to come."""

    def cancel(self) -> None: ...


class Scheduler(Protocol):
    """What is needed of the event loop; tests bring a clock of their own."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Handle: ...


class Sink(Protocol):
    """One connection. No method waits or raises, whatever has become of the peer."""

    kind: str

    def render(self, frame: Frame) -> bytes:
        """The frame as this kind of connection carries it."""
        ...

    def push(self, data: bytes) -> bool:
        """Write rendered bytes at once if nothing waits before them; False if they were not taken."""
        ...

    def write(self, data: bytes) -> None:
        """Write rendered bytes behind whatever waits."""
        ...

    def backlog(self) -> int:
        """Bytes that the kernel has not taken yet."""
        ...

    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye, then cut the connection whether or not the peer has heard."""
        ...


class TransportSink(ABC):
    """Writes bytes to a transport, directly to its socket whenever that keeps their order."""

    # Slots, and few objects to touch in ``push``: with a thousand clients each of them is a cache miss.
    __slots__ = ("_busy", "_cut", "_file", "_scheduler", "_transport", "backlog", "closing")

    kind = ""

    def __init__(self, transport: asyncio.Transport, scheduler: Scheduler) -> None:
        self._transport = transport
        self._scheduler = scheduler
        self._cut: Handle | None = None
        self._file = _own_descriptor(transport)
        self.backlog: Callable[[], int] = transport.get_write_buffer_size
        self._busy = self.backlog if self._file >= 0 else _always
        self.closing = asyncio.Event()
        """Set once the server has said goodbye; nothing is written afterwards."""

    @abstractmethod
    def render(self, frame: Frame) -> bytes:
        """See ``Sink``; each kind of connection has its own."""

    def push(self, data: bytes) -> bool:
        """Write to the kernel if nothing waits in the transport; what it does not take waits there."""
        if self._busy():
            return False
        try:
            taken = os.write(self._file, data)
        except BlockingIOError:
            taken = 0
        except OSError:
            return True  # the connection is gone; the loop is about to notice
        if taken != len(data):
            self._transport.write(data[taken:])
        return True

    def write(self, data: bytes) -> None:
        """Write now, or behind what waits in the transport."""
        if not self.push(data) and not self.closing.is_set() and not self._transport.is_closing():
            self._transport.write(data)

    def release(self) -> None:
        """The handler is done with the connection. Closes it, and cuts it if its last bytes are not read."""
        self._end()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._transport.close()
        if not self.backlog():
            if self._cut is not None:
                self._cut.cancel()
        elif self._cut is None:
            self._cut = self._scheduler.call_later(GOODBYE_SECONDS, self._transport.abort)

    def goodbye(self, last: bytes) -> None:
        """Write the last bytes once, and cut the connection after ``GOODBYE_SECONDS``."""
        if not self.closing.is_set():
            self.write(last)
            self._end()
            self._cut = self._scheduler.call_later(GOODBYE_SECONDS, self._transport.abort)

    def _end(self) -> None:
        self.closing.set()
        self._busy = _always


class WebSocketSink(TransportSink):
    """Frames of a WebSocket without compression."""

    __slots__ = ()

    kind = "websocket"

    def render(self, frame: Frame) -> bytes:
        """A WebSocket text frame."""
        return frame.websocket

    def close(self, code: CloseCode, reason: str) -> None:
        """Send a close frame; the client has two seconds to answer it."""
        self.goodbye(websocket_close(code, reason))


class EventStreamSink(TransportSink):
    """Events of a chunked HTTP answer (server-sent events)."""

    __slots__ = ()

    kind = "sse"

    def render(self, frame: Frame) -> bytes:
        """An event in a chunk."""
        return frame.sse

    def close(self, code: CloseCode, reason: str) -> None:
        """End the answer. An event stream has no close code; the bye before it says why."""
        self.goodbye(b"0\r\n\r\n")


def _always() -> int:
    """In place of the transport's count where nothing may be written past it."""
    return 1


def _own_descriptor(transport: asyncio.Transport) -> int:
    """A descriptor of the transport's socket that is ours, or -1 when bytes must pass through the transport.

    It is a duplicate: the transport may close its own at any time and the number be given to another
    connection, which must never get these bytes.
    """
    if transport.get_extra_info("sslcontext") is not None:
        return -1
    theirs: socket.socket | None = transport.get_extra_info("socket")
    if theirs is None:
        return -1
    try:
        ours = socket.socket(fileno=os.dup(theirs.fileno()))
    except OSError:
        return -1
    with contextlib.suppress(OSError):
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return ours.detach()
