"""One server of the fan-out benchmark in a process of its own: python -m tests.bench.fanout_server MODE ...

Modes: ``aiohttp`` (send_str to each), ``floor`` (write(2) of ready bytes), ``ours`` (the whole hub: a change
applied to the live view, framed once, written to each). Prints its port, then its figures, as lines of JSON.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import sys
import time
from typing import Any
from uuid import UUID

import msgspec
import uvloop
from aiohttp import web
from ccserver.domain.access import Actor, Role
from ccserver.domain.stream import Change
from ccserver.live.view import LiveView
from ccserver.web.stream import fanout
from ccserver.web.stream.codec import websocket_frame
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.ws import WebSocketEndpoint

TENANT = UUID(int=1)
ENVELOPE_BYTES = 140
"""About what a delta adds to its row, so that both send frames of the same size."""


def say(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


def cpu() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, used.ru_utime


class Broadcast:
    """aiohttp as it is usually written."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.sockets: list[tuple[web.WebSocketResponse, asyncio.Transport]] = []
        self.text = "x" * options.bytes

    @property
    def connected(self) -> int:
        return len(self.sockets)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.sockets.append((socket, request.transport))
        async for _ in socket:
            pass
        return socket

    async def send(self) -> None:
        for socket, _ in self.sockets:
            await socket.send_str(self.text)

    def idle(self) -> bool:
        return not any(transport.get_write_buffer_size() for _, transport in self.sockets)


class Floor(Broadcast):
    """Nothing but write(2) of ready bytes: what the kernel costs, below which no server can go."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.frame = websocket_frame(self.text.encode())
        self.files: list[int] = []

    async def send(self) -> None:
        if not self.files:
            self.files = [transport.get_extra_info("socket").fileno() for _, transport in self.sockets]
        for file in self.files:
            os.write(file, self.frame)


class Ours:
    """The hub behind its own endpoint; every client is a supervisor's board."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.view = LiveView("bench")
        self.hub = Hub(self.view, asyncio.get_running_loop(), node="bench")
        self.endpoint = WebSocketEndpoint(self.hub, self.authenticate)
        self.handle = self.endpoint.handle
        self.row = msgspec.Raw(msgspec.json.encode({"text": "x" * (options.bytes - ENVELOPE_BYTES)}))
        self.numbers = itertools.count(1)
        if not options.pace:
            fanout.WINDOW_SECONDS = 0.0

    async def authenticate(self, request: web.Request) -> Actor:
        number = UUID(int=next(self.numbers))
        return Actor(user_id=number, tenant_id=TENANT, role=Role.SUPERVISOR, login="x", session_id=number)

    @property
    def connected(self) -> int:
        return sum(len(group.ready) for group in self.hub._fanout._groups.values())

    async def send(self) -> None:
        self.view.apply(
            [Change(topic="agents", key="a", row=self.row, tenant_id=TENANT)], time.time(), "owner"
        )

    def idle(self) -> bool:
        return not any(c.sink.backlog() for g in self.hub._fanout._groups.values() for c in g.ready.values())


async def main(options: argparse.Namespace) -> None:
    server = {"ours": Ours, "floor": Floor, "aiohttp": Broadcast}[options.mode](options)
    app = web.Application()
    app.router.add_get("/ws", server.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    say(port=runner.addresses[0][1])
    while server.connected < options.clients:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    (before, before_user), began = cpu(), time.monotonic()
    for _ in range(options.rounds):
        await server.send()
        await asyncio.sleep(options.pace / 1000)
        while not options.pace and not server.idle():
            await asyncio.sleep(0)
    while not server.idle():
        await asyncio.sleep(0)
    after, after_user = cpu()
    say(
        cpu_us=(after - before) * 1e6,
        user_us=(after_user - before_user) * 1e6,
        seconds=time.monotonic() - began,
        frames=options.clients * options.rounds,
    )
    sys.stdout.flush()
    os._exit(0)  # the sockets of a thousand clients need no goodbye here


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["aiohttp", "floor", "ours"])
    parser.add_argument("clients", type=int)
    parser.add_argument("rounds", type=int)
    parser.add_argument("pace", type=float, help="milliseconds between broadcasts, 0: as fast as they go")
    parser.add_argument("bytes", type=int)
    uvloop.run(main(parser.parse_args()))
