"""What the gate holds, what it lets pass, and in which order the rest goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.rig.gate import Gate, gate
from tests.rig.wait import until

LOGIN, RELOAD, STATUS = (
    f"Action: {name}\r\nActionID: 1\r\n\r\n".encode() for name in ("Login", "Reload", "Status")
)
PING = b"Action: Ping\r\nActionID: 2\r\n\r\n"


class Server:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.port = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\r\n")
        while data := await reader.read(1000):
            self.heard += data
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
    await listening.wait_closed()


@contextlib.asynccontextmanager
async def client(door: Gate) -> AsyncIterator[asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    assert await reader.readline() == b"hello\r\n"
    yield writer
    writer.close()
    await writer.wait_closed()


async def test_an_action_and_all_after_it_wait_but_pings(server: Server) -> None:
    async with gate(server.port, b"Action: Reload") as door, client(door) as writer:
        # In pieces as the network likes them: neither an action cut in two nor two in one piece confuses it.
        writer.write(LOGIN + RELOAD[:9])
        await until(lambda: server.heard == LOGIN, "what comes before passes")
        assert not door.reached.is_set()
        writer.write(RELOAD[9:] + STATUS + PING)
        await door.reached.wait()
        await until(lambda: server.heard == LOGIN + PING, "a ping passes")
        door.open()
        await until(lambda: server.heard == LOGIN + PING + RELOAD + STATUS, "the rest in its order")
        writer.write(RELOAD)
        await until(lambda: server.heard.endswith(STATUS + RELOAD), "nothing is held any more")


async def test_what_was_said_before_the_client_died_still_arrives(server: Server) -> None:
    async with gate(server.port, b"Action: Reload") as door:
        async with client(door) as writer:
            writer.write(RELOAD)
            await door.reached.wait()
        assert server.heard == b""
        door.open()
        await until(lambda: server.heard == RELOAD, "the order of who is dead")
