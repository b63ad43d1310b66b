"""Sessions that were kept while PostgreSQL was away: said in the logs at once, in the audit log when it is back."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from ccserver.domain.access import Actor
from ccserver.domain.errors import Unavailable
from ccserver.services.base import Clock
from ccserver.services.changes import record
from ccserver.storage.pool import Database

_log = structlog.get_logger(__name__)

TRY_AGAIN_SECONDS = 2.0


@dataclass(slots=True)
class Kept:
    """How often a session was kept, between the first time and the last."""

    actor: Actor
    first_at: datetime
    last_at: datetime
    times: int = 1


class OutageLog:
    """Remembers who was kept until PostgreSQL can be told."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept: dict[UUID, Kept] = {}
        self._news = asyncio.Event()

    def note(self, actor: Actor) -> None:
        """This actor's session was kept once more."""
        now = self._clock()
        _log.info("session kept while the database is away", user_id=str(actor.user_id))
        kept = self._kept.setdefault(actor.session_id, Kept(actor, now, now, times=0))
        kept.last_at, kept.times = now, kept.times + 1
        self._news.set()

    async def settle(self) -> list[UUID]:
        """Write the audit lines; returns the sessions, to be looked up again. Raises Unavailable, and keeps all."""
        kept, self._kept = self._kept, {}
        try:
            await self._write(kept)
        except BaseException:
            self._take_back(kept)
            raise
        return list(kept)

    async def wait(self) -> list[UUID]:
        """Wait until somebody was kept and PostgreSQL is back; then as ``settle``."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                return await self.settle()
            except Unavailable:
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _write(self, kept: Mapping[UUID, Kept]) -> None:
        async with self._database.system() as connection:
            for session in kept.values():
                detail = {
                    "from": session.first_at.isoformat(),
                    "until": session.last_at.isoformat(),
                    "times": str(session.times),
                }
                actor = session.actor
                await record(connection, actor, self._clock(), "session.kept", actor.user_id, detail)

    def _take_back(self, kept: Mapping[UUID, Kept]) -> None:
        for session_id, session in kept.items():
            later = self._kept.get(session_id)
            if later is not None:
                session.last_at, session.times = later.last_at, session.times + later.times
            self._kept[session_id] = session
        if kept:
            self._news.set()  # Whoever waits next writes them, whatever was wrong this time.
