"""Is it a human? Whoever answers an agent's mobile hears "press one" and does; a voicemail does not."""

import asyncio
from collections.abc import Callable

import structlog

from ccserver.background import Supervisor
from ccserver.domain.errors import DomainError
from ccserver.telephony.ari import Ari

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 10.0
KEY = "1"
PROMPT = ("sound:beep", "sound:vm-press", "sound:digits/1", "sound:silence/2") * 4
"""Asterisk's own words, "press one", until the time is over. No tones: ARI would take their commas for the list's."""


class Asking:
    """Those who were asked. ``answered(channel, yes)`` is told once for each, unless it left meanwhile."""

    def __init__(self, ari: Ari, supervisor: Supervisor, answered: Callable[[str, bool], None]) -> None:
        self._ari = ari
        self._supervisor = supervisor
        self._answered = answered
        self._keys: dict[str, asyncio.Future[bool | None]] = {}

    def ask(self, channel: str) -> None:
        """Begins to ask: a key counts from now on. Asking who is being asked already changes nothing."""
        if channel in self._keys:
            return
        waiting = self._keys[channel] = asyncio.get_running_loop().create_future()
        self._supervisor.once(f"ask {channel}", lambda: self._ask(channel, waiting))

    def pressed(self, channel: str, key: str) -> None:
        """A key was pressed on this channel."""
        waiting = self._keys.get(channel)
        if waiting is not None and not waiting.done() and key == KEY:
            waiting.set_result(True)

    def left(self, channel: str) -> None:
        """The channel is gone: nobody is asked any more."""
        waiting = self._keys.pop(channel, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _ask(self, channel: str, waiting: asyncio.Future[bool | None]) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if not waiting.done():
                    await self._play(channel)
                yes = await waiting
        except TimeoutError:
            # Asterisk may be slow to play what who is asked has answered already.
            yes = waiting.result() if waiting.done() and not waiting.cancelled() else False
        finally:
            self._keys.pop(channel, None)
        if yes is None:
            return
        try:
            await self._ari.playbacks.stop(f"ask-{channel}")
        except DomainError:
            log.debug("question was over already", channel=channel)
        self._answered(channel, yes)

    async def _play(self, channel: str) -> None:
        try:
            await self._ari.channels.play(channel, PROMPT, playback_id=f"ask-{channel}")
        except DomainError as error:
            # Unheard, the question can still be answered by who knows it.
            log.warning("question could not be played", channel=channel, why=str(error))
