"""Who was kept without PostgreSQL is written down, whatever goes wrong the first time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ccserver.domain.access import Actor, Role
from ccserver.services.outage import OutageLog


class Broken:
    """A database that fails once with something that is no outage."""

    def __init__(self) -> None:
        self.failed = False
        self.lines: list[tuple[Any, ...]] = []

    @contextlib.asynccontextmanager
    async def system(self) -> AsyncIterator[Any]:
        if not self.failed:
            self.failed = True
            raise RuntimeError("a fault of ours")
        yield self

    async def execute(self, *arguments: Any) -> None:
        self.lines.append(arguments)


async def test_lines_that_could_not_be_written_do_not_wait_for_the_next_outage() -> None:
    database = Broken()
    log = OutageLog(database, clock=lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC))  # type: ignore[arg-type]
    actor = Actor(
        user_id=UUID(int=2),
        tenant_id=UUID(int=1),
        role=Role.SUPERVISOR,
        login="sam",
        session_id=UUID(int=3),
        site_ids=None,
        must_change_password=False,
        locale="fr",
    )
    log.note(actor)
    with pytest.raises(RuntimeError):
        await log.wait()
    async with asyncio.timeout(30):  # The supervisor has started it again.
        assert await log.wait() == [actor.session_id]
    assert len(database.lines) == 1
