"""The history of configurations in PostgreSQL, and whose turn it is."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from ccserver.domain.config import ObjectChange, RevisionDetail, RevisionRow
from ccserver.domain.config_words import say
from ccserver.domain.errors import Conflict, Unavailable
from ccserver.domain.ids import uuid7
from ccserver.live.pbx_installer import whole
from ccserver.live.pbx_run import Asker, RunLog
from ccserver.storage import audit
from ccserver.storage import config as store
from ccserver.storage.leader import LeaderLock
from ccserver.storage.pool import Database
from ccserver.telephony.pbx_store import Journal, PbxLock, PbxStore

DIFF_LENGTH = 400_000
"""A longer difference is cut in the history; nobody reads it to its end."""
SHARED_ATTEMPTS, SHARED_SECONDS = 10, 0.2
INTERRUPTED = say("interrupted")


class PbxHistory:
    """Rows of ``pbx_revisions`` and of the audit log. Everything raises Unavailable while PostgreSQL is away."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self,
        run: RunLog,
        *,
        fingerprint: str,
        files: tuple[str, ...],
        objects: tuple[ObjectChange, ...],
        left_out: tuple[str, ...],
        diff: str,
    ) -> int:
        """The number of a new revision."""
        new = store.NewRevision(
            at=_at(run.state.started_at),
            user_id=run.asker.user_id,
            who=run.asker.who,
            origin=run.asker.origin,
            action=run.state.action,
            fingerprint=fingerprint,
            files=files,
            objects=objects,
            left_out=left_out,
            diff=diff[:DIFF_LENGTH],
        )
        async with self._database.system() as connection:
            return await store.insert_revision(connection, new)

    async def end(self, journal: Journal) -> None:
        """The result of a run, and a line of the audit log."""
        run = journal.run
        now = _at(run.ended_at or self._clock())
        async with self._database.system() as connection:
            await store.end_revision(connection, journal.revision, now, run.result, run.message, run.steps)
            tenant = UUID(journal.tenant_id) if journal.tenant_id else await store.sole_tenant(connection)
            if tenant is not None:
                await audit.record(
                    connection,
                    entry_id=uuid7(int(now.timestamp() * 1000), os.urandom(10)),
                    tenant_id=tenant,
                    at=now,
                    user_id=UUID(journal.user_id) if journal.user_id else None,
                    action=f"config.{run.action}",
                    target=str(journal.revision),
                    detail={"result": run.result, "who": run.who, "origin": run.origin},
                )

    async def end_lost(self) -> None:
        """Rows that say that they run while we have the lock: their runs were lost with their machine."""
        async with self._database.system() as connection:
            await store.end_lost_revisions(connection, _at(self._clock()), INTERRUPTED)

    async def rows(self, limit: int) -> list[RevisionRow]:
        """The newest lines of the history."""
        async with self._database.system() as connection:
            return await store.list_revisions(connection, None, limit)

    async def one(self, revision: int) -> RevisionDetail | None:
        """One of them, with its differences and steps."""
        async with self._database.system() as connection:
            return await store.get_revision(connection, revision)

    async def sole_tenant(self) -> UUID | None:
        async with self._database.system() as connection:
            return await store.sole_tenant(connection)

    @asynccontextmanager
    async def turn(self, folder: PbxStore, asker: Asker) -> AsyncIterator[None]:
        """Nobody else changes anything meanwhile, here or elsewhere. Raises Conflict config_busy, Unavailable."""
        lock = PbxLock(folder, asker.who, asker.origin)
        shared = LeaderLock(self._database, store.CONFIG_LOCK)
        try:
            # Whole: cancelled in the middle, a lock that nobody knows of would be held as long as we live.
            await whole(lock.acquire)
            for attempt in range(SHARED_ATTEMPTS):
                # PostgreSQL needs a moment to notice that the session of a killed holder is gone.
                await asyncio.sleep(SHARED_SECONDS if attempt else 0)
                if await shared.try_acquire():
                    break
            else:
                raise Conflict("config_busy", who=await self._who_runs())
            yield
        finally:
            try:
                await shared.release()
            finally:
                await asyncio.to_thread(lock.release)

    async def _who_runs(self) -> str:
        with contextlib.suppress(Unavailable):
            async with self._database.system() as connection:
                return await store.who_runs(connection) or "?"
        return "?"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
