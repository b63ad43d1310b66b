"""AMI, the global eye: a link that never gives up, in front of panoramisk
(docs/decisions/0002-ami-wrapper.md).

What is promised to the floors above: events reach one plain callback in the stream's order, between a
``LinkUp`` and a ``LinkDown``; an action is sent once or not at all, ends by its deadline, and fails when
the connection does; a half-open socket is found within 10 s.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ccserver.domain.errors import FieldError, Invalid
from ccserver.ports import AmiEvent
from ccserver.telephony.ami_codec import check_action
from ccserver.telephony.ami_session import AmiCounters, AmiReader, AmiSession, Exchange, Phase, SessionHooks
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import AmiError, away, words_of
from ccserver.telephony.link import Link
from ccserver.telephony.link_state import AmiSink

_log = logging.getLogger(__name__)

ACTION_SECONDS: Final = 5.0
SLOW_ACTION_SECONDS: Final[Mapping[str, float]] = {
    "Command": 15.0,
    "Reload": 30.0,
    "ModuleLoad": 30.0,
    "CoreShowChannels": 10.0,
    "PJSIPShowEndpoints": 10.0,
    "PJSIPShowRegistrationsOutbound": 10.0,
    "QueueStatus": 10.0,
    "Status": 10.0,
}
"""Deadlines of actions that work longer. Asterisk answers the actions of one connection one after another."""

_MUTE_ACTIONS: Final = frozenset({"Reload", "ModuleLoad"})
"""Actions during which Asterisk may say nothing at all for longer than a ping waits: it looks up the names of
providers, for instance, and the servers of names are away."""

_EMPTY_LIST: Final = re.compile(r"No .+ found\.?", re.IGNORECASE)
"""An empty PJSIP list is an error answer ("No Contacts found", seen on 22.10)."""


@dataclass(frozen=True, slots=True)
class AmiTiming:
    """Seconds. A silent link is down after ``ping_interval`` + twice ``ping_deadline`` at most: 9 s."""

    connect: float = 5.0
    login: float = 5.0
    boot: float = 120.0
    ping_interval: float = 3.0
    ping_deadline: float = 3.0
    action: float | None = None
    """One deadline for every action instead of the table; for tests."""


class AmiLink(Link[AmiEvent, AmiCounters]):
    """``ports.Ami`` on one socket that is opened again for ever, until ``close``.

    ``wanted`` names the only events worth parsing; None means all. ``name`` tells this link from others in
    logs and metrics.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        sink: AmiSink,
        clock: Callable[[], float],
        *,
        wanted: frozenset[str] | None = None,
        backoff: LinkBackoff | None = None,
        timing: AmiTiming | None = None,
        name: str = "ami",
    ) -> None:
        super().__init__(sink, clock, AmiCounters(name), backoff)
        check_action("Login", {"Username": username, "Secret": secret})
        self._address = (host, port)
        self._credentials = (username, secret)
        self._wanted = wanted
        self._timing = timing or AmiTiming()
        self._reader: AmiReader | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._mute = 0

    async def start(self) -> None:
        """Begin connecting and return at once; ``LinkUp`` tells when the link is there."""
        if self._task is None:
            self._closing.clear()
            self._task = asyncio.create_task(self._run(), name="ami-link")

    async def close(self) -> None:
        """Close the socket and stop for good; actions in flight fail with ``Unavailable``."""
        self._closing.set()
        task, self._task = self._task, None
        if task is not None:
            await task

    async def action(self, name: str, /, **headers: str | Sequence[str]) -> Mapping[str, str]:
        """Send one action and return its answer's headers; a repeated header (``Variable``) is given as a
        list.

        Raises ``Invalid`` (a control character, a line too long; nothing was sent), ``AmiError`` (Asterisk's
        refusal), ``Unavailable`` (link down: not sent; ``why=deadline`` or ``connection_lost``: may have
        run).
        """
        answer: Mapping[str, str] = await self._exchange(name, headers, as_list=False)
        return answer

    async def action_list(self, name: str, /, **headers: str | Sequence[str]) -> list[Mapping[str, str]]:
        """Send an action whose answer is a list of events; return them without the final one."""
        try:
            items: list[Mapping[str, str]] = await self._exchange(name, headers, as_list=True)
        except AmiError as error:
            if name.startswith("PJSIPShow") and _EMPTY_LIST.fullmatch(error.message):
                return []
            raise
        return items

    async def _exchange(self, name: str, headers: Mapping[str, str | Sequence[str]], *, as_list: bool) -> Any:
        check_action(name, headers)
        if name.lower() == "originate" and headers.get("Async") != "true":
            # It would hold up every later action and ping of this connection until the phone is answered.
            raise Invalid(FieldError("Async", "must_be_true"))
        reader = self._reader
        if reader is None or reader.phase is not Phase.UP:
            raise away("ami", "not_connected")
        seconds = self._timing.action or SLOW_ACTION_SECONDS.get(name, ACTION_SECONDS)
        exchange = Exchange({"Action": name, **headers}, as_list=as_list)
        mute = name in _MUTE_ACTIONS
        self._mute += mute
        reader.send(exchange, as_list=as_list)
        try:
            async with asyncio.timeout(seconds):
                return await exchange.future
        except TimeoutError:
            raise away("ami", "deadline") from None
        finally:
            self._mute -= mute
            reader.forget(exchange)

    async def _run(self) -> None:
        while not self._closing.is_set():
            try:
                await self._one_connection()
            except Exception:
                _log.exception("%s link: unexpected failure", self.counters.link)
                self._state.fall("internal error")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.next()):
                    await self._closing.wait()
        self._state.fall("closed")

    async def _one_connection(self) -> None:
        """From connecting to the end of the connection, whatever ends it."""
        down = asyncio.Event()
        loop = asyncio.get_running_loop()
        up_at = loop.time()

        def on_up() -> None:
            nonlocal up_at
            up_at = loop.time()
            self._state.rise()

        def on_down(reason: str, secret_refused: bool) -> None:
            if self._state.up:
                self.counters.note("falls")
                self._backoff.held(loop.time() - up_at)
            if secret_refused:
                self._backoff.to_longest()
            self._state.fall(reason)
            down.set()

        reader = AmiReader(SessionHooks(on_up, self._hand, on_down), self.counters, self._clock, self._wanted)
        session = AmiSession(*self._address, *self._credentials, reader)
        self._reader = reader
        chores: list[asyncio.Task[object]] = [
            asyncio.create_task(self._closing.wait()),
            asyncio.create_task(down.wait()),
        ]
        try:
            if not await self._opened(session):
                return
            self.counters.note("connections")
            chores.append(asyncio.create_task(self._watch(reader)))
            await asyncio.wait(chores, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._reader = None
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            if reader.transport is not None:
                session.close()
                await reader.gone.wait()

    async def _opened(self, session: AmiSession) -> bool:
        """Whether the socket is there and the login is on its way; otherwise the state says why not."""
        try:
            async with asyncio.timeout(self._timing.connect):
                await session.open()
        except TimeoutError:
            self._state.fall("no answer to the connection attempt")
        except OSError as error:
            self._state.fall(f"cannot connect: {words_of(error)}")
        else:
            return True
        return False

    async def _watch(self, reader: AmiReader) -> None:
        """Deadlines of the login and the boot, then pings. Ends the connection when one is missed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timing.login):
                await reader.logged_in.wait()
        except TimeoutError:
            reader.fail("no answer to the login")
            return
        boot_by = loop.time() + self._timing.boot
        while reader.phase is not Phase.DOWN:
            if not await self._pinged(reader):
                reader.fail("no answer to ping")
            elif reader.phase is Phase.BOOTING and loop.time() > boot_by:
                reader.fail("logged in, but no FullyBooted event (the AMI user needs read=system)")
            else:
                await asyncio.sleep(self._timing.ping_interval)

    async def _pinged(self, reader: AmiReader) -> bool:
        """Whether Asterisk lives. A link that still brings events gets the deadline twice: it is only slow. Behind an
        action that takes its time the ping waits as long as that may, and a deadline more.
        """
        ping = Exchange({"Action": "Ping"}, as_list=False)
        heard = reader.heard
        reader.send(ping, as_list=False)
        try:
            done = await self._answered(ping)
            if not done and reader.heard != heard:
                done = await self._answered(ping)
        finally:
            reader.forget(ping)
        if done:
            # Any answer is a sign of life; a lost connection has been told already.
            ping.future.exception()
        return done

    async def _answered(self, ping: Exchange) -> bool:
        """Whether the answer came within the deadline, which begins anew while Asterisk is at a mute action."""
        while True:
            held_up = self._mute > 0
            done, _ = await asyncio.wait((ping.future,), timeout=self._timing.ping_deadline)
            if done or not held_up:
                return bool(done)
