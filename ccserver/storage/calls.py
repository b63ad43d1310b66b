"""Calls, legs, timelines and agents' intervals in PostgreSQL, as the telephony owner writes and resumes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ccserver.domain.agent import Interval
from ccserver.domain.call import Call, Leg, Moment
from ccserver.storage.instants import at as instant
from ccserver.storage.instants import seconds
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


def _ms(duration_seconds: float) -> int:
    return round(duration_seconds * 1000)


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
                (call_id, instant(m.at), m.kind, m.uniqueid, tenant_id, _detail(m))
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
    begun, until = instant(interval.begun_at), instant(interval.until)
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
        instant(call.started_at),
        instant(call.ringing_at),
        instant(call.answered_at),
        instant(call.ended_at),
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
        instant(leg.started_at),
        instant(leg.ringing_at),
        instant(leg.answered_at),
        instant(leg.ended_at),
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
        instant(interval.begun_at),
        instant(interval.until),
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
    for call_id, leg in await legs_of(connection, list(legs)):
        if leg.alive:
            leg = replace(leg, held_since=held.get((call_id, leg.uniqueid)))
        legs[call_id].append(leg)
    return [_call(row, tuple(legs[row["id"]]), asked.get(row["id"], "")) for row in rows]


async def legs_of(connection: Connection, call_ids: Sequence[UUID]) -> list[tuple[UUID, Leg]]:
    """Every leg of these calls and whose it is, in the order in which they began."""
    return [(row["call_id"], _leg(row)) for row in await connection.fetch(_SQL["legs_of"], call_ids)]


def _leg(row: Mapping[str, Any]) -> Leg:
    return Leg(
        uniqueid=row["uniqueid"],
        role=row["role"],
        channel=row["channel"],
        agent_id=row["agent_id"],
        number=row["number"],
        started_at=row["started_at"].timestamp(),
        ringing_at=seconds(row["ringing_at"]),
        answered_at=seconds(row["answered_at"]),
        ended_at=seconds(row["ended_at"]),
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
        ringing_at=seconds(row["ringing_at"]),
        answered_at=seconds(row["answered_at"]),
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
    return seconds(await connection.fetchval(_SQL["last_seen_at"])) or 0.0


async def ended_since(connection: Connection, at: float) -> list[UUID]:
    """Ids of calls begun since ``at`` that have ended: facts about them are old news."""
    return [row["id"] for row in await connection.fetch(_SQL["ended_since"], instant(at))]


async def logged_in(connection: Connection) -> dict[UUID, UUID]:
    """Users with an open session, and the newest of their sessions."""
    return {row["user_id"]: row["session_id"] for row in await connection.fetch(_SQL["logged_in"])}


async def ensure_partitions(connection: Connection) -> None:
    """Makes the partitions of the months to come."""
    await connection.execute(_SQL["ensure_partitions"])
