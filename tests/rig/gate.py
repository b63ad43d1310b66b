"""A port in front of a server that holds everything back from the first time a client says certain words."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Passes bytes both ways until a client says ``needle``; then holds them until ``open`` is called.

    From outside it is a server that froze exactly then, which no signal sent from here could hit.
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
        for work in (self._pump(reader, far_writer, held=True), self._pump(far_reader, writer)):
            task = asyncio.ensure_future(work)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: bool = False
    ) -> None:
        last = b""
        try:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65536):
                    last = last[-len(self._needle) :] + data
                    if held and self._needle in last and not self._opened.is_set():
                        self.reached.set()
                        await self._opened.wait()
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    async def close(self) -> None:
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


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
