"""A web node of the live stream on real sockets: bus, feed, view, hub, HTTP server, without the rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from ccserver.background import Supervisor
from ccserver.domain.access import Actor
from ccserver.domain.errors import DomainError, Forbidden, Invalid, Throttled, Unauthenticated
from ccserver.live.feed import LiveFeed
from ccserver.live.view import LiveView
from ccserver.ports import Bus
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.sse import EventStreamEndpoint
from ccserver.web.stream.ws import WebSocketEndpoint

from tests.rig.stream import actor

DEADLINE = 40.0
STATUSES = {Unauthenticated: 401, Forbidden: 403, Invalid: 422, Throttled: 429}


@web.middleware
async def tell_errors(request: web.Request, handler: Any) -> web.StreamResponse:
    """Domain errors as bare statuses: the real problem table is tested elsewhere."""
    try:
        return await handler(request)
    except DomainError as error:
        return web.Response(status=STATUSES[type(error)], text=error.code)


class Node:
    """Start with ``async with running(bus)``; ``actors`` are who may connect, by the header X-Who."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.supervisor = Supervisor()
        self.view = LiveView(f"epoch-{name}")
        self.feed = LiveFeed(bus, self.view, self.supervisor, node=name)
        self.hub = Hub(self.view, asyncio.get_running_loop(), node=name)
        self.actors: dict[str, Actor] = {"admin": actor()}
        self.http = aiohttp.ClientSession()
        self.url = ""
        self._browsers: list[Browser] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        await self.feed.start()
        self.hub.start()
        app = web.Application(middlewares=[tell_errors])
        app.router.add_get("/ws", WebSocketEndpoint(self.hub, self.authenticate).handle)
        app.router.add_get("/api/events/stream", EventStreamEndpoint(self.hub, self.authenticate).handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def close(self) -> None:
        self.hub.close()
        for browser in self._browsers:
            await browser.socket.close()
        await self.http.close()
        if self._runner:
            await self._runner.cleanup()
        await self.feed.close()
        await self.supervisor.close()

    async def authenticate(self, request: web.Request) -> Actor:
        who = request.headers.get("X-Who") or request.cookies.get("who", "")
        if who not in self.actors:
            raise Unauthenticated
        return self.actors[who]

    async def open(self, who: str = "admin", **options: Any) -> "Browser":
        headers = {"X-Who": who, "Origin": self.url, **options.pop("headers", {})}
        made = Browser(await self.http.ws_connect(f"{self.url}/ws", headers=headers, **options))
        self._browsers.append(made)
        return made

    async def board(self, *topics: str, who: str = "admin") -> "Browser":
        """A browser that has subscribed and holds the snapshot."""
        browser = await self.open(who)
        await browser.say(type="subscribe", topics=list(topics or ("agents",)))
        await browser.until("snapshot")
        return browser


class Browser:
    """A real WebSocket client that keeps the rows as a page would, and insists on unbroken numbering."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.rows: dict[tuple[str, str], Any] = {}
        self.epoch: str | None = None
        self.seq: int | None = None
        self.blind: float | None = None

    async def say(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def hear(self) -> dict[str, Any]:
        """The next frame, applied. Raises ConnectionError when the socket was closed."""
        async with asyncio.timeout(DEADLINE):
            received = await self.socket.receive()
        if received.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"{received.type} {self.socket.close_code}")
        frame: dict[str, Any] = received.json()
        self.frames.append(frame)
        self._apply(frame)
        return frame

    async def until(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind."""
        while (frame := await self.hear())["type"] != kind:
            pass
        return frame

    async def until_rows(self, condition: Any) -> None:
        """Hear until the rows are as wanted."""
        async with asyncio.timeout(DEADLINE):
            while not condition(self.rows):
                await self.hear()

    async def until_blind(self, blind: bool) -> None:
        """Hear until the page knows that it is, or is not, blind."""
        async with asyncio.timeout(DEADLINE):
            while (self.blind is not None) != blind:
                await self.hear()

    async def closed(self) -> int | None:
        """The close code, when the server has closed."""
        try:
            while True:
                await self.hear()
        except ConnectionError:
            return self.socket.close_code

    def _apply(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "snapshot":
                self.rows = {(t, k): r for t, rows in frame["topics"].items() for k, r in rows.items()}
                self.epoch, self.seq, self.blind = frame["epoch"], frame["seq"], frame["blind_since"]
            case "delta":
                assert (frame["epoch"], frame["prev"]) == (self.epoch, self.seq)
                self.seq = frame["seq"]
                for topic, key, row in frame["changes"]:
                    if row is None:
                        self.rows.pop((topic, key), None)
                    else:
                        self.rows[topic, key] = row
            case "blind":
                self.blind = frame["since"]


@asynccontextmanager
async def running(bus: Bus, name: str = "n1") -> AsyncIterator[Node]:
    """A node on ``bus``, closed at the end."""
    node = Node(bus, name)
    try:
        await node.start()
        yield node
    finally:
        await node.close()
