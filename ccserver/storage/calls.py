"""Calls, legs, timelines and agents' intervals in PostgreSQL: the owner's batches in, the history out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ccserver.domain.agent import Interval
from ccserver.domain.board import CallRow
from ccserver.domain.call import Call, Leg, Moment
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("calls")


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, tag="call"):
    """A call as it stood after one change, and what the change added to its timeline."""

    epoch: str
    call: Call
    moments: tuple[Moment, ...]


class IntervalRecord(msgspec.Struct, frozen=True, kw_only=True, tag="interval"):
    """An agent's interval, opened (``until`` None) or closed."""

    epoch: str
    interval: Interval


Record = CallRecord | IntervalRecord


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


async def write_records(connection: Connection, records: Sequence[Record]) -> None:
    """Writes a batch in the caller's transaction. Of several records of one call the last counts."""
    calls: dict[UUID, CallRecord] = {}
    moments: list[tuple[UUID, UUID, Moment]] = []
    intervals: dict[UUID, Interval] = {}
    for record in records:
        match record:
            case CallRecord():
                calls[record.call.id] = record
                moments.extend((record.call.id, record.call.tenant_id, moment) for moment in record.moments)
            case IntervalRecord():
                intervals[record.interval.id] = record.interval
    last = list(calls.values())
    if last:
        await connection.executemany(
            _SQL["put_key"], [(r.call.tenant_id, r.call.source, r.call.external_id, r.call.id) for r in last]
        )
        await connection.executemany(_SQL["put_call"], [_call_values(r) for r in last])
        await connection.executemany(
            _SQL["put_leg"], [_leg_values(r.call, leg) for r in last for leg in r.call.legs]
        )
    if moments:
        await connection.executemany(
            _SQL["put_event"],
            [
                (call_id, _at(m.at), m.kind, m.uniqueid, tenant_id, _detail(m))
                for call_id, tenant_id, m in moments
            ],
        )
    for interval in intervals.values():
        if _is_empty(interval):
            # It lasted less than a microsecond; stored a little longer, it would overlap the next one.
            await connection.execute(_SQL["drop_interval"], interval.id)
        else:
            await connection.execute(_SQL["put_interval"], *_interval_values(interval))


def _is_empty(interval: Interval) -> bool:
    begun, until = _at(interval.begun_at), _at(interval.until)
    return begun is not None and until is not None and until <= begun


def _detail(moment: Moment) -> str:
    detail = {"role": moment.role, "cause": moment.cause, "sip": moment.sip, "detail": moment.detail}
    return msgspec.json.encode({key: value for key, value in detail.items() if value}).decode()


def _call_values(record: CallRecord) -> tuple[object, ...]:
    call = record.call
    return (
        call.id,
        call.tenant_id,
        call.source,
        call.external_id,
        call.direction,
        call.state,
        call.number,
        call.number_raw,
        call.our_number,
        call.site_id,
        call.trunk,
        call.agent_id,
        _at(call.started_at),
        _at(call.ringing_at),
        _at(call.answered_at),
        _at(call.ended_at),
        _ms(call.talk_seconds),
        _ms(call.hold_seconds),
        call.outcome,
        call.ended_by,
        call.cause,
        call.sip,
        call.end_estimated,
        record.epoch,
        call.revision,
    )


def _leg_values(call: Call, leg: Leg) -> tuple[object, ...]:
    return (
        call.id,
        leg.uniqueid,
        call.tenant_id,
        leg.role,
        leg.channel,
        leg.agent_id,
        leg.number,
        _at(leg.started_at),
        _at(leg.ringing_at),
        _at(leg.answered_at),
        _at(leg.ended_at),
        _ms(leg.hold_seconds),
        leg.cause,
        leg.sip,
    )


def _interval_values(interval: Interval) -> tuple[object, ...]:
    return (
        interval.id,
        interval.tenant_id,
        interval.user_id,
        interval.state,
        interval.reason,
        interval.call_id,
        _at(interval.begun_at),
        _at(interval.until),
    )


async def open_calls(connection: Connection) -> list[Call]:
    """Calls of Asterisk that have no end yet, with their legs, as the owner's machines want them."""
    rows = await connection.fetch(_SQL["open_calls"])
    legs: dict[UUID, list[Leg]] = {row["id"]: [] for row in rows}
    asked = {row["call_id"]: row["role"] for row in await connection.fetch(_SQL["asked_of"], list(legs))}
    held = {
        (row["call_id"], row["uniqueid"]): row["held_at"].timestamp()
        for row in await connection.fetch(_SQL["holds_of"], list(legs))
    }
    for row in await connection.fetch(_SQL["legs_of"], list(legs)):
        leg = _leg(row)
        if leg.alive:
            leg = replace(leg, held_since=held.get((row["call_id"], leg.uniqueid)))
        legs[row["call_id"]].append(leg)
    return [_call(row, tuple(legs[row["id"]]), asked.get(row["id"], "")) for row in rows]


def _leg(row: Mapping[str, Any]) -> Leg:
    return Leg(
        uniqueid=row["uniqueid"],
        role=row["role"],
        channel=row["channel"],
        agent_id=row["agent_id"],
        number=row["number"],
        started_at=row["started_at"].timestamp(),
        ringing_at=_seconds(row["ringing_at"]),
        answered_at=_seconds(row["answered_at"]),
        ended_at=_seconds(row["ended_at"]),
        hold_seconds=row["hold_ms"] / 1000,
        cause=row["cause"],
        sip=row["sip"],
    )


def _call(row: Mapping[str, Any], legs: tuple[Leg, ...], asked_by: str) -> Call:
    return Call(
        id=row["id"],
        tenant_id=row["tenant_id"],
        external_id=row["external_id"],
        direction=row["direction"],
        number=row["number"],
        number_raw=row["number_raw"],
        our_number=row["our_number"],
        site_id=row["site_id"],
        trunk=row["trunk"],
        agent_id=row["agent_id"],
        started_at=row["started_at"].timestamp(),
        state=row["state"],
        legs=legs,
        ringing_at=_seconds(row["ringing_at"]),
        answered_at=_seconds(row["answered_at"]),
        talk_seconds=row["talk_ms"] / 1000,
        hold_seconds=row["hold_ms"] / 1000,
        outcome=row["outcome"],
        ended_by=row["ended_by"],
        asked_by=asked_by,
        revision=row["revision"],
    )


async def database_clock(connection: Connection) -> datetime:
    """The instant by the one clock that all owners share."""
    at: datetime = await connection.fetchval(_SQL["clock"])
    return at.astimezone(UTC)


async def open_intervals(connection: Connection) -> list[Interval]:
    """Agents' intervals that have no end yet."""
    rows = await connection.fetch(_SQL["open_intervals"])
    return [
        Interval(
            id=row["id"],
            tenant_id=row["tenant_id"],
            user_id=row["user_id"],
            state=row["state"],
            reason=row["reason"],
            call_id=row["call_id"],
            begun_at=row["begun_at"].timestamp(),
        )
        for row in rows
    ]


async def last_seen_at(connection: Connection) -> float:
    """Epoch seconds of the newest fact in the history, 0.0 if it has none of the last two days."""
    return _seconds(await connection.fetchval(_SQL["last_seen_at"])) or 0.0


async def ended_since(connection: Connection, at: float) -> list[UUID]:
    """Ids of calls begun since ``at`` that have ended: facts about them are old news."""
    return [row["id"] for row in await connection.fetch(_SQL["ended_since"], _at(at))]


async def logged_in(connection: Connection) -> dict[UUID, UUID]:
    """Users with an open session, and the newest of their sessions."""
    return {row["user_id"]: row["session_id"] for row in await connection.fetch(_SQL["logged_in"])}


async def ensure_partitions(connection: Connection) -> None:
    """Makes the partitions of the months to come."""
    await connection.execute(_SQL["ensure_partitions"])


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
        ringing_at=_seconds(row["ringing_at"]),
        answered_at=_seconds(row["answered_at"]),
        held_since=None,
        ended_at=_seconds(row["ended_at"]),
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
    rows = await connection.fetch(
        _SQL["list_calls"],
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
    )
    return [_row(row, now) for row in rows]


async def get_call(
    connection: Connection, tenant_id: UUID, call_id: UUID, now: float
) -> tuple[CallRow, list[Leg], list[TimelineItem]] | None:
    """One call with its legs and timeline, None if the tenant has no such call."""
    row = await connection.fetchrow(_SQL["get_call"], tenant_id, call_id)
    if row is None:
        return None
    legs = [_leg(leg) for leg in await connection.fetch(_SQL["legs_of"], [call_id])]
    timeline = [_timeline(event) for event in await connection.fetch(_SQL["events_of"], call_id)]
    return _row(row, now), legs, timeline


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
