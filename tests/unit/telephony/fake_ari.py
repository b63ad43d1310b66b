"""A scripted HTTP server in ARI's place: for answers and silences that a real Asterisk gives by accident."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from ccserver.telephony.ari import AriLink

SECRET = "s3cret:with,colon"


@dataclass
class FakeAri:
    """``answer`` serves every request but the event sockets, which ``on_socket`` serves."""

    url: str = ""
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    sockets: asyncio.Queue[web.WebSocketResponse] = field(default_factory=asyncio.Queue)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    handshake_status: int = 101
    answers_pings: bool = True
    links: list[AriLink] = field(default_factory=list)
    """Closed at the end, whatever becomes of the test."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path, await request.read()))
        self.authorizations.add(request.headers.get("Authorization", ""))
        if request.path == "/ari/events" and self.handshake_status == 101:
            return await self._socket(request)
        if request.path == "/ari/events":
            return web.Response(status=self.handshake_status, headers={"Location": "/elsewhere"})
        if self.answer is not None:
            return await self.answer(request)
        return web.json_response({})

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=self.answers_pings)
        await socket.prepare(request)
        self.sockets.put_nowait(socket)
        reading = asyncio.ensure_future(self._drain(socket))
        await asyncio.wait((reading, asyncio.ensure_future(self.ended.wait())), return_when="FIRST_COMPLETED")
        reading.cancel()
        return socket

    async def _drain(self, socket: web.WebSocketResponse) -> None:
        async for _message in socket:
            pass


@asynccontextmanager
async def fake_ari() -> AsyncIterator[FakeAri]:
    fake = FakeAri()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
    try:
        yield fake
    finally:
        for link in fake.links:
            await link.close()
        fake.ended.set()
        await runner.cleanup()


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()
