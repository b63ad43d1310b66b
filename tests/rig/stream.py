"""A clock, a socket and a page for the hub, all in hand; and actors to look through."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from ccserver.domain.access import Actor, Role
from ccserver.web.stream.codec import Frame
from ccserver.web.stream.hub import Hub
from ccserver.web.stream.protocol import CloseCode
from ccserver.web.stream.session import Client

TENANT, OTHER_TENANT = UUID(int=1), UUID(int=2)
PARIS, LYON = UUID(int=10), UUID(int=11)
_IDS = itertools.count(1000)


def actor(role: Role = Role.ADMIN, **options: Any) -> Actor:
    """Somebody of ``TENANT`` with a session of their own."""
    user_id = options.pop("user_id", None) or UUID(int=next(_IDS))
    options = {"tenant_id": TENANT, "login": "x", "session_id": UUID(int=next(_IDS)), **options}
    return Actor(user_id=user_id, role=role, **options)


class FakeScheduler:
    """The loop's clock and timers; time passes by ``advance``."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[tuple[float, int, Any]] = []
        self._order = itertools.count()

    class Timer:
        def __init__(self, callback: Callable[[], None]) -> None:
            self.callback: Callable[[], None] | None = callback

        def cancel(self) -> None:
            self.callback = None

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        timer = self.Timer(callback)
        heapq.heappush(self._timers, (self.now + delay, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass and run what falls due, in order."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            self.now, _, timer = heapq.heappop(self._timers)
            if timer.callback:
                timer.callback()
        self.now = until


class FakeSink:
    """Records frames; ``stuck`` makes it a socket that nobody reads."""

    kind = "fake"

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.raw: list[bytes] = []
        self.waiting = 0
        self.stuck = False
        self.closed: tuple[CloseCode, str] | None = None

    def render(self, frame: Frame) -> bytes:
        return frame.payload

    def push(self, data: bytes) -> bool:
        if self.waiting:
            return False
        self.write(data)
        return True

    def write(self, data: bytes) -> None:
        assert self.closed is None, "nothing is sent after a close"
        self.raw.append(data)
        self.frames.append(msgspec.json.decode(data))
        if self.stuck:
            self.waiting += len(data)

    def backlog(self) -> int:
        return self.waiting

    def close(self, code: CloseCode, reason: str) -> None:
        assert self.closed is None, "closed once"
        self.closed = (code, reason)


class Page:
    """A client of the hub as a browser plays it: applies frames, and insists that none is missing."""

    def __init__(self, hub: Hub, who: Actor) -> None:
        self.hub = hub
        self.sink = FakeSink()
        self.client = Client(who, self.sink)
        self.rows: dict[tuple[str, str], Any] = {}
        self.epoch: str | None = None
        self.seq: int | None = None
        self.blind: float | None = None
        self.announced: list[tuple[str, str, Any]] = []
        self.byes: list[str] = []
        self._read = 0
        hub.attach(self.client)

    def subscribe(self, *topics: str, resume: bool = False) -> "Page":
        if not resume:
            self.epoch = self.seq = None
        self.hub.subscribe(self.client, topics, self.epoch, self.seq)
        return self

    def read(self) -> "Page":
        """Apply the frames that came since the last call."""
        for frame in self.sink.frames[self._read :]:
            match frame["type"]:
                case "snapshot":
                    self.rows = {
                        (t, k): row for t, rows in frame["topics"].items() for k, row in rows.items()
                    }
                    self.epoch, self.seq, self.blind = frame["epoch"], frame["seq"], frame["blind_since"]
                case "delta":
                    assert (frame["epoch"], frame["prev"]) == (self.epoch, self.seq), (frame, self.seq)
                    assert frame["seq"] >= frame["prev"]
                    self.seq = frame["seq"]
                    for topic, key, row in frame["changes"]:
                        self.announced.append((topic, key, row))
                        if row is None:
                            self.rows.pop((topic, key), None)
                        else:
                            self.rows[topic, key] = row
                case "heartbeat":
                    assert self.seq is None or frame["seq"] == self.seq
                case "blind":
                    self.blind = frame["since"]
                case "bye":
                    self.byes.append(frame["code"])
        self._read = len(self.sink.frames)
        return self

    def types(self) -> list[str]:
        return [frame["type"] for frame in self.sink.frames]

    def reconnect(self) -> "Page":
        """A new socket of the same page, which knows where it was."""
        page = Page(self.hub, self.client.actor)
        self.read()
        self.hub.detach(self.client)
        page.rows, page.epoch, page.seq = dict(self.rows), self.epoch, self.seq
        return page
