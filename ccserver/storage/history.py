"""The history of calls as pages read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.board import CallRow
from ccserver.domain.call import Leg
from ccserver.storage.calls import legs_of
from ccserver.storage.instants import seconds
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("history")


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to list. ``after`` is the id of the last call of the page before; ``sites`` the caller's scope."""

    date_from: datetime | None = None
    date_to: datetime | None = None
    after: UUID | None = None
    direction: str | None = None
    outcome: str | None = None
    number: str | None = None
    agent_id: UUID | None = None
    site_id: UUID | None = None
    sites: tuple[UUID, ...] | None = None
    limit: int = 50


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a call's journey as pages show it."""

    at: float
    kind: str
    uniqueid: str
    role: str
    cause: int | None
    sip: int | None
    detail: str


def _row(row: Mapping[str, Any], as_of: float) -> CallRow:
    return CallRow(
        id=row["id"],
        direction=row["direction"],
        state=row["state"],
        number=row["number"],
        our_number=row["our_number"],
        agent_id=row["agent_id"],
        agent=row["agent"],
        site_id=row["site_id"],
        site=row["site"],
        trunk=row["trunk"],
        started_at=row["started_at"].timestamp(),
        ringing_at=seconds(row["ringing_at"]),
        answered_at=seconds(row["answered_at"]),
        held_since=None,
        ended_at=seconds(row["ended_at"]),
        talk_seconds=row["talk_ms"] / 1000,
        hold_seconds=row["hold_ms"] / 1000,
        outcome=row["outcome"],
        ended_by=row["ended_by"],
        cause=row["cause"],
        sip=row["sip"],
        end_estimated=row["end_estimated"],
        as_of=as_of,
        party=row["party"],
    )


async def list_calls(
    connection: Connection, tenant_id: UUID, wanted: CallFilter, now: float
) -> list[CallRow]:
    """One page of the history, newest first."""
    return await _rows(connection, tenant_id, wanted, None, now)


async def get_call(
    connection: Connection, tenant_id: UUID, call_id: UUID, now: float
) -> tuple[CallRow, list[Leg], list[TimelineItem]] | None:
    """One call with its legs and timeline, None if the tenant has no such call."""
    rows = await _rows(connection, tenant_id, CallFilter(limit=1), call_id, now)
    if not rows:
        return None
    legs = [leg for _, leg in await legs_of(connection, [call_id])]
    timeline = [_timeline(event) for event in await connection.fetch(_SQL["events_of"], call_id)]
    return rows[0], legs, timeline


async def _rows(
    connection: Connection, tenant_id: UUID, wanted: CallFilter, only: UUID | None, now: float
) -> list[CallRow]:
    rows = await connection.fetch(
        _SQL["rows_of_calls"],
        tenant_id,
        wanted.date_from,
        wanted.date_to,
        wanted.after,
        wanted.direction,
        wanted.outcome,
        wanted.number,
        wanted.agent_id,
        wanted.site_id,
        list(wanted.sites) if wanted.sites is not None else None,
        wanted.limit,
        only,
    )
    return [_row(row, now) for row in rows]


def _timeline(event: Mapping[str, Any]) -> TimelineItem:
    detail: dict[str, Any] = msgspec.json.decode(event["detail"])
    return TimelineItem(
        at=event["at"].timestamp(),
        kind=event["kind"],
        uniqueid=event["uniqueid"],
        role=detail.get("role", ""),
        cause=detail.get("cause"),
        sip=detail.get("sip"),
        detail=detail.get("detail", ""),
    )
