"""A scripted manager on loopback: it speaks AMI as wrongly as a test asks. For faults that a real one
hides.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from ccserver.telephony.ami import AmiLink

Block = dict[str, str]
GREETING = b"Asterisk Call Manager/11.0.0\r\n"


class FakeConnection:
    """One client as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.received: list[bytes] = []

    async def block(self) -> Block | None:
        """The next action of the client; None when it has gone."""
        try:
            raw = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        self.received.append(raw)
        return dict(line.split(": ", 1) for line in raw.decode().strip("\r\n").split("\r\n"))

    def send(self, *lines: str) -> None:
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    def answer(self, block: Block, *lines: str) -> None:
        self.send("Response: Success", f"ActionID: {block['ActionID']}", *lines)


Script = Callable[[FakeConnection, Block], Awaitable[bool | None]]


class FakeAmi:
    """Greets, accepts the login, says FullyBooted, answers pings; ``script`` gets every action first.

    The script returns True when it has dealt with the action itself.
    """

    def __init__(self) -> None:
        self.port = 0
        self.script: Script | None = None
        self.greeting = GREETING
        self.secret = "right"
        self.boots = True
        self.blocks: list[Block] = []
        self.connections: list[FakeConnection] = []
        self.links: list[AmiLink] = []
        """Closed at the end, whatever becomes of the test."""
        self.arrivals: asyncio.Queue[Block] = asyncio.Queue()

    def names(self) -> list[str]:
        """The actions received so far; pings come when they come and are left out."""
        return [block["Action"] for block in self.blocks if block["Action"] != "Ping"]

    def last_named(self, name: str) -> Block:
        return next(block for block in reversed(self.blocks) if block["Action"] == name)

    @property
    def last(self) -> FakeConnection:
        return self.connections[-1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = FakeConnection(reader, writer)
        self.connections.append(connection)
        try:
            connection.raw(self.greeting)
            while (block := await connection.block()) is not None:
                self.blocks.append(block)
                self.arrivals.put_nowait(block)
                if self.script is not None and await self.script(connection, block):
                    continue
                self.answer_as_usual(connection, block)
        finally:
            writer.transport.abort()

    def answer_as_usual(self, connection: FakeConnection, block: Block) -> None:
        if block["Action"] == "Login":
            if block["Secret"] != self.secret:
                action_id = f"ActionID: {block['ActionID']}"
                connection.send("Response: Error", action_id, "Message: Authentication failed")
                return
            connection.answer(block, "Message: Authentication accepted")
            if self.boots:
                connection.send("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted")
        elif block["Action"] == "Ping":
            connection.answer(block, "Ping: Pong", "Timestamp: 1.000000")
        else:
            connection.answer(block)


@asynccontextmanager
async def fake_ami() -> AsyncIterator[FakeAmi]:
    fake = FakeAmi()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        await fake.serve(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        for link in fake.links:
            await link.close()
        server.close()
        for connection in fake.connections:
            connection.writer.transport.abort()
        await asyncio.gather(*handlers)
        await server.wait_closed()
