"""A port in front of an Asterisk's AMI that holds an action back, and all that come after it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_END = b"\r\n\r\n"
_PING = b"Action: Ping\r\n"


class Gate:
    """Passes all both ways until a client sends an action with ``needle``; then it holds that client's actions.

    They go on, in their order, when ``open`` is called. From outside it is an Asterisk that froze exactly then, which
    no signal sent from here could hit. Pings pass: who waits for the answer is not told meanwhile that the link is
    dead, however long that takes.
    """

    def __init__(self, port: int, needle: bytes) -> None:
        self.port = 0
        """Where clients connect."""
        self.reached = asyncio.Event()
        self._target = port
        self._needle = needle
        self._opened = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """What was held goes on, and nothing is held any more."""
        self._opened.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client and its own connection to the server."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        for work in (self._hold(reader, far_writer), self._pump(far_reader, writer)):
            task = asyncio.ensure_future(work)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What a client says, action by action. What it said before it went away is held like the rest."""
        held: list[bytes] = []
        opening = asyncio.ensure_future(self._opened.wait())
        opening.add_done_callback(lambda _: _let_go(held, writer))
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while True:
                    action = await reader.readuntil(_END)
                    if self._opened.is_set():
                        _let_go(held, writer)
                    elif self._needle in action or (held and _PING not in action):
                        held.append(action)
                        self.reached.set()
                        continue
                    writer.write(action)
                    await writer.drain()
            if held:
                await self._opened.wait()
                _let_go(held, writer)
        finally:
            opening.cancel()
            writer.close()

    async def close(self) -> None:
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


def _let_go(held: list[bytes], writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        writer.write(b"".join(held))
    held.clear()


@asynccontextmanager
async def gate(port: int, needle: bytes) -> AsyncIterator[Gate]:
    """A gate in front of ``port`` of this machine."""
    made = Gate(port, needle)
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()
        await server.wait_closed()
