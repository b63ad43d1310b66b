"""Opening schedules of a tenant."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from ccserver.domain.schedule import Schedule
from ccserver.domain.version import version_at
from ccserver.storage.directory import schedule_of
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("schedules")


async def insert_schedule(connection: Connection, schedule: Schedule, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict name_taken."""
    await connection.execute(_SQL["insert_schedule"], schedule.id, schedule.tenant_id, *_values(schedule), at)


async def update_schedule(connection: Connection, schedule: Schedule, at: datetime) -> str:
    """Its new version. Raises (at the transaction's border) Conflict name_taken."""
    return version_at(await connection.fetchval(_SQL["update_schedule"], schedule.id, *_values(schedule), at))


async def list_schedules(connection: Connection) -> list[Schedule]:
    """Every schedule that the connection sees, by name."""
    return [_schedule(row) for row in await connection.fetch(_SQL["list_schedules"])]


async def get_schedule(connection: Connection, schedule_id: UUID, *, lock: bool = False) -> Schedule | None:
    """One schedule as seen through the connection; ``lock`` holds it, and who would point to it, until the end."""
    if lock:
        await connection.execute(_SQL["lock_schedule"], schedule_id)
    row = await connection.fetchrow(_SQL["get_schedule"], schedule_id)
    return None if row is None else _schedule(row)


async def schedule_uses(connection: Connection, schedule_id: UUID) -> int:
    """How many numbers follow the schedule."""
    return int(await connection.fetchval(_SQL["schedule_uses"], schedule_id))


async def delete_schedule(connection: Connection, schedule_id: UUID) -> None:
    await connection.execute(_SQL["delete_schedule"], schedule_id)


def _schedule(row: asyncpg.Record) -> Schedule:
    values = dict(row)
    changed = values.pop("updated_at")
    return schedule_of({**values, "version": version_at(changed)})


def _values(schedule: Schedule) -> tuple[str, str, str, str, str]:
    hours = msgspec.json.encode(schedule.hours).decode()
    exceptions = msgspec.json.encode(schedule.exceptions).decode()
    return schedule.name, schedule.zone, schedule.holidays, hours, exceptions
