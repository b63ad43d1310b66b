"""Opening schedules: list, create, edit, delete; every change told to open pages and to telephony."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import ScheduleRow
from ccserver.domain.errors import Conflict, NotFound
from ccserver.domain.schedule import Opening, Schedule, SpecialDay, check_schedule
from ccserver.domain.version import Versions, version_at
from ccserver.services import changes
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.services.sites import ZONES
from ccserver.storage import schedules
from ccserver.storage.pool import Connection, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """A schedule to be made, its values as somebody wrote them."""

    name: str
    zone: str = "Europe/Paris"
    holidays: str = ""
    hours: tuple[Opening, ...] = ()
    exceptions: tuple[SpecialDay, ...] = ()


class Schedules:
    """Use cases of schedules; each needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock

    async def list_schedules(self, actor: Actor) -> tuple[ScheduleRow, ...]:
        """The tenant's schedules by name, each with whether it is open at this moment."""
        async with self._database.tenant(actor.tenant_id) as connection:
            found = await schedules.list_schedules(connection)
        return await self._rows(found)

    async def get(self, actor: Actor, schedule_id: UUID) -> ScheduleRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            found = await _found(connection, schedule_id)
        return (await self._rows([found]))[0]

    async def create(self, actor: Actor, draft: ScheduleDraft) -> ScheduleRow:
        """Raises Invalid, Conflict name_taken."""
        now = self._clock()
        values = {name: getattr(draft, name) for name in draft.__slots__}
        schedule = await _checked(
            Schedule(id=new_id(now), tenant_id=actor.tenant_id, version=version_at(now), **values)
        )
        async with self._database.tenant(actor.tenant_id) as connection:
            await schedules.insert_schedule(connection, schedule, now)
            await changes.record(
                connection, actor, now, "schedule.create", schedule.id, {"name": schedule.name}
            )
        (row,) = await self._rows([schedule])
        await self._heralds.tell(actor, changes.put(actor, row))
        return row

    async def edit(
        self, actor: Actor, schedule_id: UUID, edit: Mapping[str, Any], versions: Versions = None
    ) -> ScheduleRow:
        """Change the fields that ``edit`` names. Raises NotFound, ChangedMeanwhile, Invalid, Conflict name_taken."""
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, schedule_id, lock=True)
            await self._refuse_stale(connection, before, versions)
            now = self._clock()
            after = await _checked(msgspec.structs.replace(before, **edit))
            version = await schedules.update_schedule(connection, after, now)
            after = msgspec.structs.replace(after, version=version)
            old, row = await self._rows([before, after])
            detail = changes.difference(old, row)
            detail.pop("open_now", None)
            await changes.record(connection, actor, now, "schedule.edit", schedule_id, detail)
        await self._heralds.tell(actor, changes.put(actor, row))
        return row

    async def delete(self, actor: Actor, schedule_id: UUID, versions: Versions = None) -> None:
        """Raises NotFound, ChangedMeanwhile, Conflict schedule_in_use with the count of numbers that follow it."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            schedule = await _found(connection, schedule_id, lock=True)
            await self._refuse_stale(connection, schedule, versions)
            uses = await schedules.schedule_uses(connection, schedule_id)
            if uses:
                raise Conflict("schedule_in_use", dids=str(uses))
            await schedules.delete_schedule(connection, schedule_id)
            await changes.record(
                connection, actor, now, "schedule.delete", schedule_id, {"name": schedule.name}
            )
        (row,) = await self._rows([schedule])
        await self._heralds.tell(actor, changes.gone(actor, row))

    async def _refuse_stale(self, connection: Connection, schedule: Schedule, versions: Versions) -> None:
        (row,) = await self._rows([schedule])
        await changes.refuse_stale(connection, row, versions, "schedule")

    async def _rows(self, found: Iterable[Schedule]) -> tuple[ScheduleRow, ...]:
        # A country's holidays are a module that is read from disk when first asked for: not in the loop.
        at = self._clock().timestamp()
        return await asyncio.to_thread(lambda: tuple(_row(schedule, at) for schedule in found))


def _row(schedule: Schedule, at: float) -> ScheduleRow:
    return ScheduleRow(
        id=schedule.id,
        name=schedule.name,
        zone=schedule.zone,
        holidays=schedule.holidays,
        hours=schedule.hours,
        exceptions=schedule.exceptions,
        open_now=schedule.is_open(at),
        version=schedule.version,
    )


async def _checked(schedule: Schedule) -> Schedule:
    """In its kept form: openings by day and hour, exceptions by date. Raises Invalid naming each field."""
    await asyncio.to_thread(check_schedule, schedule, ZONES)
    return msgspec.structs.replace(
        schedule,
        name=schedule.name.strip(),
        hours=tuple(sorted(schedule.hours, key=lambda opening: (opening.day, opening.opens))),
        exceptions=tuple(sorted(schedule.exceptions, key=lambda special: (special.date, special.opens))),
    )


async def _found(connection: Connection, schedule_id: UUID, *, lock: bool = False) -> Schedule:
    schedule = await schedules.get_schedule(connection, schedule_id, lock=lock)
    if schedule is None:
        raise NotFound
    return schedule
