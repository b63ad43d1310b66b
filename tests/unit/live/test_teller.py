"""What changed is told once, of what it adds up to: records, rows, ends; one fault keeps nothing else back."""

import asyncio
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from ccserver.domain.agent import Agent, AgentStep, Interval
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.call import Call, Moment
from ccserver.domain.callbook import CallChange
from ccserver.live.journal import Journal
from ccserver.live.publisher import Publisher
from ccserver.live.rows import encoded
from ccserver.live.teller import Teller
from ccserver.storage.calls import CallRecord, IntervalRecord
from msgspec.structs import replace

from tests.rig.wait import until

TENANT, AGENT = UUID(int=1), UUID(int=2)


class Ears:
    """A journal and a publisher that keep what they are told."""

    def __init__(self) -> None:
        self.records: list[CallRecord | IntervalRecord] = []
        self.rows: list[tuple[str, str, Any, bool]] = []
        self.refused = ""

    def append(self, record: CallRecord | IntervalRecord) -> None:
        if isinstance(record, CallRecord) and record.call.number == self.refused:
            raise ValueError("no")
        self.records.append(record)

    def put(self, topic: str, key: str, row: msgspec.Raw, where: object, *, retain: bool = True) -> None:
        self.rows.append((topic, key, msgspec.json.decode(row), retain))


def make(ears: Ears) -> Teller:
    return Teller(
        epoch="e",
        agents=AgentBook(lambda at: UUID(int=9)),
        journal=cast(Journal, ears),
        publisher=cast(Publisher, ears),
        clock=lambda: 5.0,
    )


def a_call(number: int = 1) -> Call:
    return Call(
        id=UUID(int=100 + number),
        tenant_id=TENANT,
        external_id=f"x/{number}",
        direction="inbound",
        number=str(number),
        number_raw="",
        our_number="",
        site_id=None,
        trunk="paris",
        agent_id=None,
        started_at=1.0,
        state="dialing",
    )


def change(call: Call, *kinds: str) -> CallChange:
    return CallChange(call, tuple(Moment(at=1.0, kind=kind) for kind in kinds))


@pytest.fixture
def ears() -> Ears:
    return Ears()


async def test_steps_of_one_call_are_one_record_with_all_moments_and_one_row(ears: Ears) -> None:
    teller, call = make(ears), a_call()
    teller.call(change(call, "placed", "leg_created"))
    teller.call(change(replace(call, state="ringing"), "ringing"))
    assert ears.records == [], "told a moment later"
    await asyncio.sleep(0)
    [record] = ears.records
    assert isinstance(record, CallRecord)
    assert [moment.kind for moment in record.moments] == ["placed", "leg_created", "ringing"]
    assert [(topic, row["state"], retain) for topic, _, row, retain in ears.rows] == [
        ("calls", "ringing", True)
    ]


async def test_the_history_is_told_of_ends_only(ears: Ears) -> None:
    teller, call = make(ears), a_call()
    teller.call(change(replace(call, state="ended", ended_at=2.0, outcome="missed"), "ended"))
    await asyncio.sleep(0)
    assert [(topic, retain) for topic, _, _, retain in ears.rows] == [("calls", True), ("history", False)]
    assert ears.rows[0][2] is None and ears.rows[1][2]["outcome"] == "missed"


async def test_after_a_telling_the_next_gathers(ears: Ears) -> None:
    teller, call = make(ears), a_call()
    teller.call(change(call, "placed"))
    await asyncio.sleep(0)
    # Not awaited in between: a machine that stumbles there would let the window pass.
    teller.call(change(call, "ringing"))
    teller.call(change(call, "answered"))
    assert len(ears.records) == 1, "too soon"
    await until(lambda: len(ears.records) > 1, "the next telling")
    record = ears.records[1]
    assert isinstance(record, CallRecord) and [m.kind for m in record.moments] == ["ringing", "answered"]


async def test_an_interval_opened_and_closed_at_once_is_told_closed_and_before_the_next(ears: Ears) -> None:
    teller = make(ears)
    agent = Agent(user_id=AGENT, tenant_id=TENANT)
    first = Interval(
        id=UUID(int=21),
        tenant_id=TENANT,
        user_id=AGENT,
        state="ringing",
        reason="",
        call_id=None,
        begun_at=1.0,
    )
    second = replace(first, id=UUID(int=22), begun_at=2.0)
    teller.step(AgentStep(agent, (first,)))
    teller.step(AgentStep(agent, (replace(first, until=2.0), second)))
    teller.tell()
    told = [record.interval for record in ears.records if isinstance(record, IntervalRecord)]
    assert told == [replace(first, until=2.0), second]


async def test_one_that_fails_keeps_no_other_back(ears: Ears) -> None:
    ears.refused = "1"
    teller = make(ears)
    for number in (1, 2):
        teller.call(change(a_call(number), "placed"))
    teller.tell()
    assert [record.call.number for record in ears.records if isinstance(record, CallRecord)] == ["2"]
    assert [key for _, key, _, _ in ears.rows] == [str(UUID(int=102))]


def test_a_row_that_is_gone_is_null() -> None:
    assert bytes(encoded(None)) == b"null"
