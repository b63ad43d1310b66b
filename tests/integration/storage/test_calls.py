"""What the owner writes, as PostgreSQL keeps it: no interval is refused, no true end is taken back."""

from uuid import UUID

import pytest
from ccserver.domain.agent import Interval
from ccserver.domain.call import Call
from ccserver.domain.telephony import HangupAsked
from ccserver.storage.calls import (
    CallRecord,
    IntervalRecord,
    Record,
    ensure_partitions,
    last_seen_at,
    open_calls,
    open_intervals,
    write_records,
)
from ccserver.storage.pool import Database
from msgspec.structs import replace

from tests.integration.storage.test_migrate import fill
from tests.unit.domain.book import AGENT_LEG, CALL, CUSTOMER_LEG, T0, Play

pytestmark = pytest.mark.postgres


async def write(database: Database, *records: Record) -> None:
    async with database.system() as connection:
        await write_records(connection, records)


async def prepared(database: Database) -> tuple[UUID, UUID]:
    """A tenant and one of its users."""
    async with database.system() as connection:
        tenant = await fill(connection)
        user = await connection.fetchval("SELECT id FROM users WHERE tenant_id = $1", tenant)
        await connection.execute("DELETE FROM agent_intervals")
        await connection.execute("DELETE FROM calls")
    return tenant, user


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_interval_of_no_time_does_not_refuse_the_next_one(database: Database, at_once: bool) -> None:
    tenant, user = await prepared(database)

    def interval(number: int, begun: float, until: float | None = None) -> IntervalRecord:
        made = Interval(
            id=UUID(int=number),
            tenant_id=tenant,
            user_id=user,
            state="available",
            reason="",
            call_id=None,
            begun_at=T0 + begun,
            until=None if until is None else T0 + until,
        )
        return IntervalRecord(epoch="e", interval=made)

    records = (
        interval(1, 0),
        interval(1, 0, 5.123456),
        interval(2, 5.123456),
        interval(2, 5.123456, 5.123456),
        interval(3, 5.123456),
    )
    if at_once:
        await write(database, *records)
    else:
        for record in records:
            await write(database, record)
    async with database.system() as connection:
        assert [found.id.int for found in await open_intervals(connection)] == [3]
        assert await connection.fetchval("SELECT count(*) FROM agent_intervals") == 2


def records_of(play: Play, tenant: UUID, epoch: str) -> list[CallRecord]:
    return [
        CallRecord(epoch=epoch, call=replace(c.call, tenant_id=tenant), moments=c.moments)
        for c in play.changes
    ]


async def stored(database: Database) -> tuple[float | None, bool, str]:
    async with database.system() as connection:
        row = await connection.fetchrow(
            "SELECT ended_at, end_estimated, outcome FROM calls WHERE id = $1", CALL
        )
    assert row is not None
    return row["ended_at"].timestamp() if row["ended_at"] else None, row["end_estimated"], row["outcome"]


async def test_a_true_end_is_neither_guessed_away_nor_taken_back(database: Database) -> None:
    tenant, _ = await prepared(database)
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).up(2, CUSTOMER_LEG)
    talking = records_of(play, tenant, "1")
    await write(database, *talking)
    open_: Call = talking[-1].call
    guess = replace(open_, ended_at=T0 + 50, end_estimated=True, outcome="answered", state="ended")
    play.gone(9, CUSTOMER_LEG).gone(10, AGENT_LEG)
    await write(database, CallRecord(epoch="2", call=guess, moments=()))
    assert await stored(database) == (T0 + 50, True, "answered")
    # The old owner's journal, drained late.
    await write(database, *records_of(play, tenant, "1"))
    assert await stored(database) == (T0 + 10, False, "answered")
    for later in (guess, open_):
        await write(database, CallRecord(epoch="3", call=later, moments=()))
        assert await stored(database) == (T0 + 10, False, "answered")


async def test_an_open_call_comes_back_as_it_was(database: Database) -> None:
    tenant, _ = await prepared(database)
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).up(2, CUSTOMER_LEG)
    play.hold(3, AGENT_LEG, True).hold(4, AGENT_LEG, False).hold(6, AGENT_LEG, True)
    play.feed(HangupAsked(at=T0 + 7, call_id=CALL, by="supervisor"))
    await write(database, *records_of(play, tenant, "1"))
    async with database.system() as connection:
        await ensure_partitions(connection)
        calls = await open_calls(connection)
        await last_seen_at(connection)
    later = Play()
    later.book.restore(calls)
    call = later.book.get(CALL)
    assert call is not None
    assert (call.state, call.held_since, call.hold_seconds) == ("on_hold", T0 + 6, 1.0)
    assert call.asked_by == "supervisor", "who asked to end it is known after a kill"
