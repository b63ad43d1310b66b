"""The bus between processes: publish and subscribe on Redis or Valkey.

Two connections: one listens, one publishes. Both are opened anew together, because a server that lost one of
them has usually lost the other. Redis forgets what is published while nobody listens, therefore every
subscription gets a gap after each reconnect.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from prometheus_client import Counter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError

from ccserver import __version__
from ccserver.background import Backoff, Supervisor
from ccserver.bus.subscription import MAX_BYTES, MAX_MESSAGES, QueueSubscription
from ccserver.domain.errors import Unavailable
from ccserver.ports import BusMessage, Subscription

LINK_DOWN = Counter("ccserver_bus_link_down_total", "Times that the link to Redis was lost or refused")

log = structlog.get_logger(__name__)

LinkError = (RedisError, OSError, TimeoutError)


class Connection(Protocol):
    """What is used here of redis-py's connection, whose own methods are partly untyped."""

    async def connect(self) -> None: ...

    async def send_command(self, *command: str | bytes) -> None: ...

    async def read_response(
        self, *, disable_decoding: bool, timeout: float | None = None, disconnect_on_error: bool = True
    ) -> Any: ...

    async def disconnect(self, nowait: bool = False) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds. A half-open link is found within ``ping + silence``, which must stay under 10."""

    connect: float = 3.0
    publish: float = 1.0
    ping: float = 2.0
    silence: float = 5.0


class LinkLost(ConnectionError):
    """The link is thought dead although the socket did not say so."""


class RedisBus:
    """ports.Bus on Redis. ``prefix`` keeps installations on one server apart: channels have no database."""

    def __init__(
        self,
        url: str,
        supervisor: Supervisor,
        *,
        prefix: str = "ccserver:",
        timings: Timings | None = None,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_messages: int = MAX_MESSAGES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Raises ValueError when ``url`` is not a redis, rediss or unix URL."""
        self._timings = timings or Timings()
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            # Without it redis-py reads its own package's metadata from disk at each connect.
            driver_info=DriverInfo(name="ccserver", lib_version=__version__),
            socket_connect_timeout=self._timings.connect,
            # Deadlines are ours: redis-py's write timeout is asyncio.wait_for, which on Python 3.11 loses a
            # cancellation that comes in the same step as the result.
            socket_timeout=None,
        )
        self._supervisor = supervisor
        self._prefix = prefix
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._clock = clock
        self._monotonic = monotonic
        self._limits = (max_messages, max_bytes)
        self._subscriptions: dict[QueueSubscription, None] = {}
        self._confirmed: set[str] = set()
        self._confirming: dict[str, asyncio.Future[None]] = {}
        self._listener: Connection | None = None
        self._publisher: Connection | None = None
        self._publishing = asyncio.Lock()
        self._broken = asyncio.Event()
        self._tried = asyncio.Event()
        self._reason = "not connected yet"
        self._up = False
        self._since = clock()

    @property
    def up(self) -> bool:
        return self._up and self._listener is not None

    @property
    def since(self) -> float:
        return self._since

    @property
    def reason(self) -> str:
        """Why the link is down, in words for logs and /health; empty while up."""
        return "" if self.up else self._reason

    async def start(self) -> None:
        """Connect, now or as soon as the server answers; returns after the first attempt, good or bad."""
        self._supervisor.spawn("bus.redis", self._run)
        await self._tried.wait()

    async def publish(self, channel: str, payload: bytes) -> None:
        """Publish within the deadline. Raises Unavailable when the link is down or found dead now."""
        async with self._publishing:
            publisher = self._publisher
            if not self._up or publisher is None:
                raise Unavailable("bus_unavailable")
            try:
                await self._ask(publisher, "PUBLISH", self._prefix + channel, payload)
            except LinkError as error:
                if publisher is self._publisher:
                    self._fail(f"publish: {_words(error)}")
                raise Unavailable("bus_unavailable") from error
            finally:
                if publisher is not self._publisher:
                    # Its link ended meanwhile, and redis-py may have opened it anew for this command.
                    await publisher.disconnect(nowait=True)

    async def subscribe(self, *channels: str) -> Subscription:
        """Subscribe; returns when the server has confirmed, or with a gap first when the link is down."""
        max_messages, max_bytes = self._limits
        subscription = QueueSubscription(
            channels, self._forget, max_messages=max_messages, max_bytes=max_bytes
        )
        self._subscriptions[subscription] = None
        listener = self._listener
        if not self._up or listener is None:
            subscription.gap("bus is down")
            return subscription
        wanted = [c for c in subscription.channels if c not in self._confirmed]
        if wanted:
            try:
                await self._confirm(listener, wanted)
            except LinkError as error:  # the reconnect subscribes again and tells of the gap
                self._fail(f"subscribe: {_words(error)}")
        return subscription

    async def close(self) -> None:
        """Drop the link and end every subscription."""
        await self._supervisor.stop("bus.redis")
        self._set_down("closed")
        for subscription in list(self._subscriptions):
            await subscription.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._live()
            except* LinkError as errors:
                self._set_down(_words(errors.exceptions[0]))
            finally:
                self._tried.set()
            await self._sleep(self._backoff.next())

    async def _live(self) -> None:
        """One life of the link, from connect to loss; always ends by raising."""
        listener, publisher = self._connection(), self._connection()
        self._broken.clear()
        try:
            async with asyncio.timeout(self._timings.connect):
                await listener.connect()
                await publisher.connect()
                early = await self._subscribe_again(listener)
            self._listener, self._publisher = listener, publisher
            self._set_up()
            for message in early:
                self._deliver(message)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(listener))
                group.create_task(self._keep_alive(listener))
                group.create_task(self._until_broken())
        finally:
            self._listener = self._publisher = None
            await listener.disconnect(nowait=True)
            await publisher.disconnect(nowait=True)

    def _connection(self) -> Connection:
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        return connection

    async def _subscribe_again(self, listener: Connection) -> list[Any]:
        """Subscribe to every channel in use; returns messages that came before the last confirmation."""
        self._confirmed.clear()
        wanted = {c for s in self._subscriptions for c in s.channels}
        early: list[Any] = []
        if wanted:
            await listener.send_command("SUBSCRIBE", *(self._prefix + c for c in wanted))
        while wanted - self._confirmed:
            reply = await listener.read_response(disable_decoding=True)
            if not self._is_confirmation(reply):
                early.append(reply)
        return early

    async def _confirm(self, listener: Connection, channels: list[str]) -> None:
        loop = asyncio.get_running_loop()
        fresh = [c for c in channels if c not in self._confirming]
        for channel in fresh:
            self._confirming[channel] = loop.create_future()
        waits = [self._confirming[c] for c in channels]
        async with asyncio.timeout(self._timings.connect):
            if fresh:
                await listener.send_command("SUBSCRIBE", *(self._prefix + c for c in fresh))
            await asyncio.wait(waits)

    async def _listen(self, listener: Connection) -> None:
        heard = self._monotonic()
        while True:
            reply = await listener.read_response(
                disable_decoding=True, timeout=self._timings.ping, disconnect_on_error=False
            )
            now = self._monotonic()
            if reply is not None:
                heard = now
                if not self._is_confirmation(reply):
                    self._deliver(reply)
            elif now - heard > self._timings.silence:
                raise LinkLost(f"nothing heard for {now - heard:.1f} s")

    async def _keep_alive(self, listener: Connection) -> None:
        """Ping on both connections: the listener's answers are heard by ``_listen``."""
        while True:
            await asyncio.sleep(self._timings.ping)
            await listener.send_command("PING")
            async with self._publishing:
                if self._publisher is not None:
                    await self._ask(self._publisher, "PING")

    async def _until_broken(self) -> None:
        await self._broken.wait()
        raise LinkLost(self._reason)

    async def _ask(self, connection: Connection, *command: str | bytes) -> None:
        async with asyncio.timeout(self._timings.publish):
            await connection.send_command(*command)
            await connection.read_response(disable_decoding=True)

    def _is_confirmation(self, reply: Any) -> bool:
        if not (isinstance(reply, list) and reply[0] == b"subscribe"):
            return False
        channel = reply[1].decode().removeprefix(self._prefix)
        self._confirmed.add(channel)
        waiting = self._confirming.pop(channel, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        return True

    def _deliver(self, reply: Any) -> None:
        if not (isinstance(reply, list) and len(reply) == 3 and reply[0] == b"message"):
            return  # the answer to a ping
        message = BusMessage(reply[1].decode().removeprefix(self._prefix), reply[2])
        for subscription in self._subscriptions:
            if message.channel in subscription.channels:
                subscription.offer(message)

    def _fail(self, reason: str) -> None:
        """A command found the link dead: down at once, not when the next ping finds it too."""
        self._set_down(reason)
        self._broken.set()

    def _set_up(self) -> None:
        self._up = True
        self._since = self._clock()
        self._backoff.reset()
        self._tried.set()
        log.info("bus link up", channels=sorted(self._confirmed))
        for subscription in self._subscriptions:
            subscription.gap("bus was down")

    def _set_down(self, reason: str) -> None:
        for waiting in self._confirming.values():
            if not waiting.done():
                waiting.set_result(None)
        self._confirming.clear()
        if self._up:
            self._since = self._clock()
        if self._up or self._reason != reason:
            LINK_DOWN.inc()
            log.warning("bus link down", reason=reason)
        self._up = False
        self._reason = reason

    def _forget(self, subscription: QueueSubscription) -> None:
        """The server stays subscribed: channels are few, and unsubscribing would race with subscribing."""
        self._subscriptions.pop(subscription, None)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
