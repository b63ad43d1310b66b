"""The people of the demo: what an agent does with the phone, and with the page's call button."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from ccserver.stack.demo_plan import CUSTOMER_RANGES, DemoAgent
from ccserver.stack.softphone import CLOSED, INCOMING, PhoneEvent, Softphone

log = structlog.get_logger(__name__)

HTTP_SECONDS: Final = 10.0
# Weights of the last digit of the customer's number: most answer, some of every other ending.
_LAST_DIGITS: Final = (("0", 30), ("5", 20), ("6", 14), ("7", 14), ("8", 14), ("9", 8))
# These choices decide nothing that must be hard to guess.
dice: Final = random.Random()  # noqa: S311 - it decides who calls in a demo


class SessionOver(Exception):
    """Somebody else has logged in to this account, or its password was changed: it is theirs now."""


class Clicker:
    """An agent's account on the server, used as the page uses it."""

    def __init__(self, http: aiohttp.ClientSession, base: str, agent: DemoAgent) -> None:
        self._http = http
        self._base = base
        self._agent = agent
        self._access = ""
        self._refresh = ""
        self.user_id = ""

    async def log_in(self) -> None:
        """Raises SessionOver when the credentials do not hold any more, aiohttp.ClientError, TimeoutError."""
        body = {"login": self._agent.login, "password": self._agent.password}
        await self._tokens("/api/auth/login?bearer=1", body)

    async def available(self) -> None:
        """Take calls."""
        await self._post(f"/api/agents/{self.user_id}/state", {"state": "available"})

    async def call(self, number: str) -> bool:
        """Click to call; whether the server accepts it (the agent may be busy with an inbound call)."""
        return await self._post("/api/calls", {"number": number}) == 202

    async def _post(self, path: str, body: dict[str, str]) -> int:
        status = await self._send(path, body)
        if status == 401:
            await self._tokens("/api/auth/refresh", {"refresh_token": self._refresh})
            status = await self._send(path, body)
        return status

    async def _send(self, path: str, body: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {self._access}"}
        async with self._http.post(self._base + path, json=body, headers=headers) as answer:
            return answer.status

    async def _tokens(self, path: str, body: dict[str, str]) -> None:
        async with self._http.post(self._base + path, json=body) as answer:
            if answer.status in (401, 403):
                raise SessionOver
            answer.raise_for_status()
            session = await answer.json()
        self._access, self._refresh = session["access_token"], session["refresh_token"]
        self.user_id = session["user"]["id"]


class Person:
    """An agent at work: answers the phone, talks a while, and clicks on numbers."""

    def __init__(self, agent: DemoAgent, home: Path, server: tuple[str, int], clicker: Clicker) -> None:
        self.agent = agent
        self.clicker = clicker
        self.phone = Softphone(
            home,
            extension=agent.extension,
            secret=agent.sip_secret,
            server=server[0],
            server_port=server[1],
            on_event=self._hear,
        )
        self.taken_over = False
        """A visitor plays this agent: the phone goes on answering, the clicks are the visitor's."""
        self._at_work = False
        self._clicked = False
        self._in_call = False
        self._acting: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """No call rings or runs on the phone."""
        return not self._in_call

    async def arrive(self) -> None:
        """Log in and take calls, once. Raises aiohttp.ClientError, TimeoutError."""
        if self._at_work or self.taken_over:
            return
        try:
            await self.clicker.log_in()
            await self.clicker.available()
        except SessionOver:
            self.taken_over = True
        else:
            self._at_work = True

    async def click(self) -> None:
        """Call a customer from the page. Raises aiohttp.ClientError, TimeoutError."""
        await self.arrive()
        if not self.taken_over:
            try:
                await self._click()
            except SessionOver:
                self.taken_over = True

    async def _click(self) -> None:
        digits = [digit for digit, _ in _LAST_DIGITS]
        last = dice.choices(digits, [weight for _, weight in _LAST_DIGITS])[0]
        self._clicked = True
        if not await self.clicker.call(f"{dice.choice(CUSTOMER_RANGES)}{dice.randrange(100, 999)}{last}"):
            self._clicked = False

    async def stop(self) -> None:
        """Put the phone down and go home."""
        if self._acting is not None:
            self._acting.cancel()
            await asyncio.gather(self._acting, return_exceptions=True)
        await self.phone.stop()

    def _hear(self, event: PhoneEvent) -> None:
        if event.kind == INCOMING and not self._in_call:
            self._in_call = True
            self._acting = asyncio.create_task(self._take_call(), name=f"demo call of {self.agent.login}")
        elif event.kind == CLOSED:
            self._in_call = self._clicked = False

    async def _take_call(self) -> None:
        """One call from its first ring to its end. Whoever hangs up first, ``CLOSED`` ends it."""
        since = self.phone.mark()
        ours, self._clicked = self._clicked, False
        ends = asyncio.create_task(self.phone.event(CLOSED, since=since))
        try:
            if not ours and dice.random() < 0.15:
                return  # not at the desk: it rings until the caller gives up
            if await _within(ends, dice.uniform(0.6, 1.5) if ours else dice.uniform(1.5, 5.0)):
                return
            await self.phone.answer()
            await self._talk(ends, patience=dice.uniform(12, 30))
        finally:
            ends.cancel()

    async def _talk(self, ends: asyncio.Task[PhoneEvent], patience: float) -> None:
        if await _within(ends, patience / 2):
            return
        if dice.random() < 0.25:
            await self.phone.hold()
            over = await _within(ends, dice.uniform(2, 5))
            if over:
                return
            await self.phone.resume()
        if not await _within(ends, patience / 2):
            await self.phone.hang_up()


async def _within(ends: asyncio.Task[PhoneEvent], seconds: float) -> bool:
    """Whether the call ended in this time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.shield(ends)
    return ends.done()
