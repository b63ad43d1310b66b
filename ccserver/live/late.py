"""Calls whose end reached PostgreSQL late: pages that read in between are told to read again.

The end of a call is announced at once, whether PostgreSQL is there or not, so that no page shows it running for ever. A
page that is opened after the announcement and before the write finds it nowhere; of a short while it looks once more by
itself, of a longer one it must be told.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from ccserver.domain.stream import DELETED, RELOAD_KEY
from ccserver.live.publisher import Publisher
from ccserver.storage.calls import CallRecord, Record

LATE_SECONDS = 2.0
"""A page looks once more by itself three seconds after it read."""
REST_SECONDS = 2.0
"""Pages read again and nodes check their sessions at each telling: while much is written late, not more often."""


class Scheduler(Protocol):
    """What is used of the loop."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object: ...


class LateEnds:
    """Told of all records that were written; tells the pages of those that came late, the last ones, too."""

    def __init__(
        self,
        publisher: Publisher,
        clock: Callable[[], float],
        scheduler: Callable[[], Scheduler] = asyncio.get_running_loop,
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._scheduler = scheduler
        self._told_at = -REST_SECONDS
        self._due = False

    def written(self, records: Iterable[Record]) -> None:
        """PostgreSQL has these now."""
        before = self._clock() - LATE_SECONDS
        late = any(
            isinstance(record, CallRecord)
            and record.call.ended_at is not None
            and record.call.ended_at < before
            for record in records
        )
        if late and not self._due:
            self._due = True
            scheduler = self._scheduler()
            scheduler.call_later(max(0.0, self._told_at + REST_SECONDS - scheduler.time()), self._tell)

    def _tell(self) -> None:
        self._due = False
        self._told_at = self._scheduler().time()
        self._publisher.put("history", RELOAD_KEY, DELETED, (None, None, None), retain=False)
