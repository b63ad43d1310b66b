"""Drains the journal into PostgreSQL. PostgreSQL away: it waits and the journal grows; back: it goes on."""

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from ccserver.domain.errors import DomainError, Unavailable
from ccserver.live.journal import Journal
from ccserver.live.late import LateEnds
from ccserver.storage.calls import Record, write_records
from ccserver.storage.pool import Database

log = structlog.get_logger(__name__)

WRITTEN = Counter("ccserver_records_written_total", "Records of calls and agents written to PostgreSQL")
REJECTED = Counter("ccserver_records_rejected_total", "Records that PostgreSQL refuses for good")
BACKLOG = Gauge("ccserver_journal_backlog_bytes", "Bytes of the journal that PostgreSQL does not have yet")

RETRY_SECONDS = 0.5
_NOT_THE_RECORD = (
    asyncpg.SyntaxOrAccessError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
)
"""A database that is read-only, half migrated or in a deadlock: any record would be refused, so all of them wait."""


class Writer:
    """One task, ``run``."""

    def __init__(self, journal: Journal, database: Database, late: LateEnds) -> None:
        self._journal = journal
        self._database = database
        self._late = late

    async def run(self) -> None:
        """Drains for ever."""
        while True:
            if await self.drain() and not self._journal.written.is_set():
                await self._journal.written.wait()
            self._journal.written.clear()

    async def drain(self) -> bool:
        """Writes all that is readable now; False if PostgreSQL went away (after a short wait)."""
        while (batch := await self._journal.read()) is not None:
            try:
                await self._write(batch.records)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
                self._journal.written.set()
                return False
            await self._journal.drained(batch)
            self._late.written(batch.records)
            WRITTEN.inc(len(batch.records))
            BACKLOG.set(self._journal.backlog_bytes)
        return True

    async def _write(self, records: Sequence[Record]) -> None:
        """One transaction; if PostgreSQL refuses it, halves of it until the bad record stands alone."""
        try:
            async with self._database.system() as connection:
                await write_records(connection, records)
        except Unavailable:
            raise
        except _NOT_THE_RECORD as error:
            log.error("database takes no records", why=f"{type(error).__name__}: {error}")
            raise Unavailable("database_away") from error
        except Exception as error:
            if isinstance(error, asyncio.CancelledError):
                raise
            if len(records) > 1:
                middle = len(records) // 2
                await self._write(records[:middle])
                await self._write(records[middle:])
                return
            REJECTED.inc()
            why = error.code if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
            # The record itself stays in the log: nothing is lost without a trace.
            log.error("record refused by the database", why=why, record=repr(records))
