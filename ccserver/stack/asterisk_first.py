"""Before Asterisk starts: its files are what the database says, by the same transaction as ever."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from ccserver.background import Supervisor
from ccserver.domain.errors import Conflict, DomainError, Unavailable
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_run import Asker
from ccserver.settings import Settings
from ccserver.stack.installation import asterisk_layout
from ccserver.stack.problems import StackProblem
from ccserver.stack.rehearsal import starter_for
from ccserver.storage.pool import Database
from ccserver.telephony.errors import away
from ccserver.telephony.pbx_install import LAST

HOLD_ENDED: Final = (
    "Ports, folders or accounts have changed, and the former revision that somebody had gone back to does not fit "
    "them: what the database says was applied, and automatic mode holds nothing back any more."
)


class NotStarted:
    """The manager interface of an Asterisk that does not run yet."""

    up = False

    async def start(self) -> None:
        """It stays down."""

    async def action(self, name: str, /, **headers: str | Sequence[str]) -> Mapping[str, str]:
        raise away("ami", "not_started")

    async def action_list(self, name: str, /, **headers: str | Sequence[str]) -> list[Mapping[str, str]]:
        raise away("ami", "not_started")

    async def close(self) -> None:
        """Nothing to close."""


async def prepare(settings: Settings, dsn: str, automatic: bool) -> str:
    """See to it that Asterisk has good files to start with; returns what the operator must know, or "".

    Undoes what a killed apply left. Applies in automatic mode, and in any mode when there are no files yet, or they
    were made for other ports, folders or accounts. Files that cannot be applied are told, and the old ones stay.
    Raises StackProblem when there is nothing to start with.
    """
    layout = await asyncio.to_thread(asterisk_layout, settings)
    if layout is None:
        raise StackProblem(f"{settings.data_dir}/asterisk has no layout file.")
    supervisor = Supervisor()
    database = Database(dsn, supervisor, pool_size=2)
    await database.start()
    try:
        engine = PbxApply(
            settings,
            database,
            layout,
            NotStarted(),
            starter_for(settings.data_dir.absolute()),
            clock=time.time,
            tell=lambda _run: None,
            patience_seconds=0.0,
        )
        return await _prepare(engine, automatic)
    finally:
        await database.close()
        await supervisor.close()


async def _prepare(engine: PbxApply, automatic: bool) -> str:
    asker = Asker(who="ccserver up", origin="automatic")
    bootable = await asyncio.to_thread((engine.planner.etc / LAST).exists)
    try:
        await engine.recover(asker)
        applied = await asyncio.to_thread(engine.store.applied)
        notes = await asyncio.to_thread(engine.store.notes)
        fits = applied is not None and applied.machine == engine.planner.machine
        if bootable and fits and (not automatic or notes.held):
            return ""
        run = await engine.apply(str(uuid4()), asker)
        if run.result == "applied" and notes.held and not fits:
            return HOLD_ENDED
    except (Unavailable, Conflict, DomainError, OSError) as error:
        return _told(engine.planner.etc, bootable, str(error))
    if run.result in ("applied", "unchanged"):
        return ""
    return _told(engine.planner.etc, bootable, run.message)


def _told(etc: Path, bootable: bool, reason: str) -> str:
    if not bootable:
        raise StackProblem(f"No configuration for Asterisk could be made in {etc}: {reason}")
    return f"Asterisk starts with the configuration of last time; the new one cannot be applied: {reason}"
