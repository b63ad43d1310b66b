"""ARI's events: one WebSocket per Stasis application, opened again for ever.

Asterisk keeps no event for a client that is away and repeats none: every ``LinkUp`` means that channels and
bridges must be read again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from ccserver.domain.errors import DomainError
from ccserver.ports import AriEvent
from ccserver.telephony.ari_http import AriCaller, AriHttp
from ccserver.telephony.ari_resources import Applications
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import AriError, refuse_unsafe_text, words_of
from ccserver.telephony.link import Link, LinkCounters
from ccserver.telephony.link_state import AriSink

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AriTiming:
    """Seconds. A silent socket is down after one and a half ``heartbeat``: a ping, then half of it for the
    pong.
    """

    connect: float = 5.0
    heartbeat: float = 4.0


class AriLink(Link[AriEvent, LinkCounters]):
    """The event stream of one Stasis application, in the order of the stream.

    ``allowed`` names the event types worth sending; it is told to Asterisk anew on each connect, before
    ``LinkUp``.

    Another client that opens a socket for the same application replaces us: ``ApplicationReplaced`` reaches
    the sink, then ``LinkDown``; ``replaced`` becomes true and nothing reconnects until ``start`` is called
    again.
    """

    def __init__(
        self,
        base_url: str,
        app: str,
        user: str,
        secret: str,
        sink: AriSink,
        clock: Callable[[], float],
        *,
        allowed: Sequence[str] | None = None,
        subscribe_all: bool = False,
        backoff: LinkBackoff | None = None,
        timing: AriTiming | None = None,
    ) -> None:
        super().__init__(sink, clock, LinkCounters("ari"), backoff)
        refuse_unsafe_text("app", app)
        self._app = app
        self._allowed = allowed
        self._subscribe_all = subscribe_all
        self._timing = timing or AriTiming()
        self._http = AriHttp(base_url, user, secret)
        self._applications = Applications(AriCaller(self._http))
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self.replaced = False

    async def start(self) -> None:
        """Begin connecting and return at once; replaces whoever holds the application now."""
        if self._task is None or self._task.done():
            self._closing.clear()
            self.replaced = False
            self._task = asyncio.create_task(self._run(), name="ari-link")

    async def close(self) -> None:
        """Close the socket and stop. Explicit, because Asterisk gives a socket left open new calls."""
        self._closing.set()
        task, self._task = self._task, None
        if task is not None:
            await task
        await self._http.close()

    async def _run(self) -> None:
        closing = asyncio.create_task(self._closing.wait())
        try:
            while not self._closing.is_set() and not self.replaced:
                connection = asyncio.create_task(self._one_connection())
                await asyncio.wait((connection, closing), return_when=asyncio.FIRST_COMPLETED)
                connection.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await connection
                if not self.replaced:
                    await asyncio.wait((closing,), timeout=self._backoff.next())
        finally:
            closing.cancel()
        if not self.replaced:
            self._state.fall("closed")

    async def _one_connection(self) -> None:
        """From connecting to the end of the connection, whatever ends it. Raises only when cancelled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            reason = await self._stream()
        except aiohttp.ClientResponseError as error:
            reason = self._refusal(error.status)
        except TimeoutError:
            reason = "no answer to the connection attempt"
        except AriError as error:
            reason = f"the event filter was refused: {error.message}"
        except DomainError as error:
            reason = f"no answer to the event filter: {error.params.get('why', error.code)}"
        except OSError as error:
            reason = f"cannot connect: {words_of(error)}"
        except aiohttp.ClientError as error:
            reason = f"cannot connect: {type(error).__name__}"
        except Exception:
            _log.exception("ari link: unexpected failure")
            reason = "internal error"
        if self._state.up:
            self.counters.note("falls")
            self._backoff.held(loop.time() - began)
        self._state.fall(reason)

    def _refusal(self, status: int) -> str:
        if status in (404, 503):
            # HTTP is up first, then ARI, then its applications.
            return "Asterisk is booting: ARI is not there yet"
        if status in (401, 403):
            self._backoff.to_longest()
            return f"user or secret refused ({status})"
        return f"the event socket was refused ({status})"

    async def _stream(self) -> str:
        """Connect, filter, tell ``LinkUp``, read to the end; the reason of the end."""
        async with asyncio.timeout(self._timing.connect):
            socket = await self._http.websocket(
                self._app, subscribe_all=self._subscribe_all, heartbeat_seconds=self._timing.heartbeat
            )
        self.counters.note("connections")
        try:
            if self._allowed is not None:
                # Events that come meanwhile wait in the socket, behind LinkUp.
                await self._applications.set_event_filter(self._app, self._allowed)
            self._state.rise()
            return await self._read(socket)
        finally:
            await socket.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        while True:
            message = await socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.data)
                if self.replaced:
                    return "replaced by another client"
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.counters.note("malformed_messages")
            elif isinstance(socket.exception(), aiohttp.ServerTimeoutError):
                return "no answer to ping"
            else:
                return f"socket closed ({socket.close_code})"

    def _take(self, text: str) -> None:
        try:
            body = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("type"), str):
            self.counters.note("malformed_messages")
            return
        self.counters.events += 1
        if body["type"] == "ApplicationReplaced" and body.get("application", self._app) == self._app:
            self.replaced = True
        self._hand(AriEvent(body, self._clock()))
