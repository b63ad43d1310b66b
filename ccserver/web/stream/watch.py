"""The login behind a socket is checked again while the socket lives."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter

from ccserver.background import Supervisor
from ccserver.domain.access import Actor
from ccserver.web.stream.hub import Hub

CHECK_SECONDS = 30.0
"""Each session is asked about this often; news of its end normally comes at once, by the topic ``me``."""

FAILED = Counter("ccserver_stream_revalidate_failed_total", "Checks of sessions that could not be made")

Revalidate = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Actor | None]]]
"""The actor of each session as it stands now; None or absent when the session is over."""

log = structlog.get_logger(__name__)


class SessionWatch:
    """Asks ``revalidate`` about all sessions of the hub every 30 s, and about suspects at once."""

    def __init__(self, hub: Hub, revalidate: Revalidate, *, every_seconds: float = CHECK_SECONDS) -> None:
        self._hub = hub
        self._revalidate = revalidate
        self._every_seconds = every_seconds
        self._suspects: set[UUID] = set()
        self._news = asyncio.Event()
        hub.on_suspect = self.suspect

    def start(self, supervisor: Supervisor) -> None:
        """Run under ``supervisor``, which also ends it."""
        supervisor.spawn("stream.sessions", self._run)

    def suspect(self, sessions: Iterable[UUID]) -> None:
        """Have these sessions checked now."""
        self._suspects.update(sessions)
        if self._suspects:
            self._news.set()

    async def check(self, sessions: Sequence[UUID]) -> None:
        """Ask about sessions and act on the answers.

        When nobody can answer (database away) sockets stay: telephony goes on, and so do its boards.
        """
        if not sessions:
            return
        try:
            actors = await self._revalidate(sessions)
        except Exception as error:
            FAILED.inc()
            log.warning("sessions cannot be checked", sessions=len(sessions), error=repr(error))
            return
        for session_id in sessions:
            actor = actors.get(session_id)
            if actor is None:
                self._hub.drop_session(session_id, "session_ended")
            else:
                self._hub.refresh_actor(actor)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._every_seconds
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._news.wait()
            except TimeoutError:
                due = loop.time() + self._every_seconds
                await self.check(self._hub.sessions)
                continue
            self._news.clear()
            suspects, self._suspects = tuple(self._suspects), set()
            await self.check(suspects)
