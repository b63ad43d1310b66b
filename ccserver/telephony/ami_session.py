"""One AMI connection: panoramisk connects, logs in and writes actions; reading and matching are ours.

panoramisk's own reader loses characters split over packets, dispatches through patterns and tasks, re-sends
unanswered actions and reconnects each 2 s; none of it runs here (docs/decisions/0002-ami-wrapper.md). A
session lives once: after a fall the link makes a new one, so nothing can leak from one connection into the
next.
"""

import asyncio
import enum
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

from ccserver.ports import AmiEvent
from ccserver.telephony.ami_codec import Framer, MessageTooLong, parse_message
from ccserver.telephony.errors import AmiError, away
from ccserver.telephony.link import LinkCounters

GREETING: Final = b"Asterisk Call Manager/"
GREETING_BYTES: Final = 200
LIST_ITEMS: Final = 200_000
EXPIRED_LISTS: Final = 100

_quiet = logging.getLogger("ccserver.telephony.panoramisk")
_quiet.setLevel(logging.CRITICAL + 1)
"""panoramisk logs whole actions on failure, the login's secret included; our own words replace them."""


class Phase(enum.Enum):
    """How far the connection has come. Events count only in ``UP``."""

    GREETING = enum.auto()
    LOGIN = enum.auto()
    BOOTING = enum.auto()
    UP = enum.auto()
    DOWN = enum.auto()


@dataclass(slots=True)
class AmiCounters(LinkCounters):
    """The totals of every link, and of the events that nobody asked for."""

    unwanted_events: int = 0


class Exchange(Action):  # type: ignore[misc]  # panoramisk is untyped
    """An action on its way: panoramisk gives it its ActionID, text and future; ``items`` collects a list."""

    def __init__(self, headers: Mapping[str, str | Sequence[str]], *, as_list: bool) -> None:
        super().__init__(headers, as_list=as_list)
        self.wants_list = as_list
        self.items_so_far: list[Mapping[str, str]] = []


@dataclass(frozen=True, slots=True)
class SessionHooks:
    """What a session tells its link, synchronously and in the order of the stream."""

    on_up: Callable[[], None]
    on_event: Callable[[AmiEvent], None]
    on_down: Callable[[str, bool], None]
    """The reason in words, and whether our secret was refused."""


class AmiReader(AMIProtocol):  # type: ignore[misc]  # panoramisk is untyped
    """panoramisk's protocol with a lean reader: messages are plain dicts, answers are matched by ActionID."""

    def __init__(
        self,
        hooks: SessionHooks,
        counters: AmiCounters,
        clock: Callable[[], float],
        wanted: frozenset[str] | None,
    ) -> None:
        self.hooks = hooks
        self.counters = counters
        self.phase = Phase.GREETING
        self._clock = clock
        self._wanted = wanted
        self._framer = Framer()
        self._greeting = b""
        self._expired: dict[str, None] = {}
        self.heard = 0
        """Packets received: tells a slow link from a silent one."""
        self.responses: dict[str, Any] = {}
        self.transport: Any = None
        self.logged_in = asyncio.Event()
        self.gone = asyncio.Event()
        """The socket is closed, or was never opened: nothing is left to clean up."""
        self.gone.set()

    # -- asyncio calls these -------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.gone.clear()

    def data_received(self, data: bytes) -> None:
        if self.phase is Phase.DOWN:
            return
        self.heard += 1
        if self.phase is Phase.GREETING:
            data = self._after_greeting(data)
            if not data:
                return
        try:
            messages = self._framer.feed(data)
        except MessageTooLong:
            self.fail("a message without end: the other side does not speak AMI")
            return
        self._take(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"connection lost: {exc}" if exc else "connection closed by Asterisk")
        self.gone.set()

    # -- panoramisk calls this -----------------------------------------------------------------------------

    def close(self) -> None:
        """Without panoramisk's keeping of unanswered actions for a second sending."""
        self.fail("closed")

    # -- ours ----------------------------------------------------------------------------------------------

    def fail(self, reason: str, *, secret_refused: bool = False) -> None:
        """End this connection now: every waiting action fails, the link hears why, nothing is read any
        more.
        """
        if self.phase is Phase.DOWN:
            return
        self.phase = Phase.DOWN
        self.closed = True
        waiting = list(self.responses.values())
        self.responses.clear()
        for action in waiting:
            if isinstance(action, Exchange) and not action.future.done():
                action.future.set_exception(away("ami", "connection_lost"))
        if self.transport is not None:
            self.transport.abort()
        self.hooks.on_down(reason, secret_refused)

    def forget(self, exchange: Exchange) -> None:
        """The caller does not wait any more; what still comes for it is neither an answer nor an event."""
        if self.responses.pop(exchange.id, None) is not None and exchange.wants_list:
            self._expired[exchange.id] = None
            if len(self._expired) > EXPIRED_LISTS:
                del self._expired[next(iter(self._expired))]

    def login_answered(self, answer: Message) -> None:
        if answer.success:
            self.phase = Phase.BOOTING
            self.logged_in.set()
        else:
            self.fail(f"login refused: {answer.message.strip() or 'no reason given'}", secret_refused=True)

    def _after_greeting(self, data: bytes) -> bytes:
        """The rest after the first line, which is no header: ``Asterisk Call Manager/11.0.0``."""
        self._greeting += data
        line, end, rest = self._greeting.partition(b"\r\n")
        known = line[: len(GREETING)]
        if not GREETING.startswith(known) or (not end and len(line) > GREETING_BYTES):
            self.fail("the other side does not greet like an Asterisk manager")
            return b""
        if not end:
            return b""
        self.version = line[len(GREETING) :].decode("ascii", "replace")
        self._greeting = b""
        self.phase = Phase.LOGIN
        return rest

    def _take(self, messages: list[str]) -> None:
        """Every message in order. The hot path: one packet carries many events, each costs a few
        microseconds.
        """
        at = self._clock()
        wanted = self._wanted
        counters = self.counters
        on_event = self.hooks.on_event
        for text in messages:
            if wanted is not None and text.startswith("Event: "):
                name = text[7 : text.find("\r\n", 7)]
                if name not in wanted and name != "FullyBooted" and "\r\nActionID: " not in text:
                    counters.unwanted_events += 1
                    continue
            headers = parse_message(text)
            if headers is None:
                # More empty lines than one between two messages are harmless.
                if text.strip("\r\n") and not self._take_stripped(text):
                    counters.note("malformed_messages")
                continue
            if "ActionID" in headers and self._take_answer(headers):
                continue
            if "Event" not in headers:
                counters.note("late_answers")
            elif self.phase is Phase.UP:
                counters.events += 1
                on_event(AmiEvent(headers, at))
            else:
                self._take_early(headers)
            if self.phase is Phase.DOWN:
                return

    def _take_stripped(self, text: str) -> bool:
        stripped = text.strip("\r\n")
        if stripped == text:
            return False
        self._take([stripped])
        return True

    def _take_early(self, headers: dict[str, str]) -> None:
        """Before ``FullyBooted`` nothing counts: the resync that follows ``LinkUp`` reads the state anew."""
        if self.phase is Phase.BOOTING and headers["Event"] == "FullyBooted":
            self.phase = Phase.UP
            self.hooks.on_up()
        else:
            self.counters.note("early_events")

    def _take_answer(self, headers: dict[str, str]) -> bool:
        """True if the message answered one of our actions, or would have.

        Events of an action that was answered already (``OriginateResponse``) carry its ActionID too: they are
        events like any other.
        """
        action = self.responses.get(headers["ActionID"])
        if action is None:
            if headers["ActionID"] not in self._expired:
                return False
            if headers.get("EventList") in ("Complete", "cancelled"):
                del self._expired[headers["ActionID"]]
            self.counters.note("late_answers")
            return True
        if not isinstance(action, Exchange):
            # panoramisk's own login.
            del self.responses[headers["ActionID"]]
            message = Message(headers)
            self.login_answered(message)
            if not action.future.done():
                action.future.set_result(message)
            return True
        if "Response" in headers and "Event" not in headers:
            self._take_response(action, headers)
        else:
            self._take_item(action, headers)
        return True

    def _take_response(self, action: Exchange, headers: dict[str, str]) -> None:
        if headers["Response"] not in ("Success", "Follows", "Goodbye", "Pong"):
            self._settle(action, AmiError(action["Action"], headers.get("Message", "").strip()))
        elif not action.wants_list:
            self._settle(action, headers)
        elif headers.get("EventList", "").lower() != "start":
            # Success without a list: the action has nothing to enumerate.
            self._settle(action, [])

    def _take_item(self, action: Exchange, headers: dict[str, str]) -> None:
        end = headers.get("EventList", "")
        if not action.wants_list:
            # An event of a list that was asked for as a single answer.
            self.counters.note("late_answers")
        elif end == "Complete":
            self._settle(action, action.items_so_far)
        elif end == "cancelled":
            self._settle(action, AmiError(action["Action"], "the list was cancelled"))
        elif len(action.items_so_far) >= LIST_ITEMS:
            self._settle(action, AmiError(action["Action"], "the list is too long"))
        else:
            action.items_so_far.append(headers)

    def _settle(self, action: Exchange, result: object) -> None:
        del self.responses[action.id]
        if action.future.done():
            return
        if isinstance(result, Exception):
            action.future.set_exception(result)
        else:
            action.future.set_result(result)


class AmiSession(Manager):  # type: ignore[misc]  # panoramisk is untyped
    """panoramisk's manager for exactly one connection: no second attempt, no pings of its own, no
    callbacks.
    """

    def __init__(self, host: str, port: int, username: str, secret: str, reader: AmiReader) -> None:
        self.reader = reader
        self.pinger: asyncio.TimerHandle | None
        super().__init__(
            host=host,
            port=port,
            username=username,
            secret=secret,
            events="on",
            encoding="utf8",
            protocol_factory=lambda: reader,
            loop=asyncio.get_running_loop(),
            log=_quiet,
            ping_delay=86_400,
        )

    async def open(self) -> None:
        """Connect and send the login (panoramisk's own callback on the same task does). Raises
        ``OSError``.
        """
        await self.connect()

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)
            self._stop_pinger()

    def login(self, future: asyncio.Future[Message]) -> None:
        """The answer was acted upon in the stream's order by ``AmiReader.login_answered``."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Never reconnects: the link does, with its own delays."""

    def close(self) -> None:
        self._stop_pinger()
        self.reader.close()

    def _stop_pinger(self) -> None:
        if self.pinger is not None:
            self.pinger.cancel()
            self.pinger = None
