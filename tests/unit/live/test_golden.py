"""Captured streams of a real Asterisk replayed: each call shape and what it must add up to."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from ccserver.domain.callbook import CallBook, CallChange, Party, call_of_channel
from ccserver.domain.dialling import clean_number
from ccserver.domain.normalise import normalise
from ccserver.domain.telephony import CallPlaced, ChannelCreated, Fact

GOLDEN = Path(__file__).parents[2] / "golden"
TENANT, SITE = UUID(int=1), UUID(int=2)
AGENTS = {"1001": UUID(int=1001), "1002": UUID(int=1002)}


def resolve(endpoint: str) -> Party | None:
    if endpoint.startswith("trunk-"):
        return Party(tenant_id=TENANT, site_id=SITE, trunk=endpoint[6:])
    if endpoint in AGENTS:
        return Party(tenant_id=TENANT, site_id=SITE, agent_id=AGENTS[endpoint], extension=endpoint)
    return None


def ami_events(path: Path) -> Iterator[tuple[dict[str, str], float]]:
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if entry["src"] == "ami":
            pairs = (header.partition(": ") for header in entry["raw"].split("\r\n") if header)
            yield {name: value for name, _, value in pairs}, entry["at"]


def placed_before(fact: ChannelCreated, call_id: UUID) -> CallPlaced:
    """What our own command says before the first channel of a click-to-call."""
    return CallPlaced(
        at=fact.at - 0.002,
        call_id=call_id,
        tenant_id=TENANT,
        agent_id=AGENTS["1001"],
        number="+33612345670",
        number_raw="0612345670",
        our_number="+33145670000",
        site_id=SITE,
        trunk="paris",
    )


def replay(shape: str) -> tuple[CallBook, list[CallChange]]:
    book = CallBook("golden", resolve, lambda raw, site: clean_number(raw, "FR"))
    changes: list[CallChange] = []

    def feed(fact: Fact) -> None:
        change = book.apply(fact)
        if change is not None:
            changes.append(change)

    seen: set[UUID] = set()
    for headers, at in ami_events(GOLDEN / f"{shape}.jsonl"):
        fact = normalise(headers, at)
        if fact is None:
            continue
        if isinstance(fact, ChannelCreated):
            call_id = call_of_channel(fact.uniqueid)
            if call_id is not None and call_id not in seen and shape.startswith("outbound"):
                seen.add(call_id)
                feed(placed_before(fact, call_id))
        feed(fact)
    return book, changes


SHAPES = {
    "outbound_answered_server_hangs_up": ("outbound", "answered"),
    "outbound_agent_hangs_up": ("outbound", "answered"),
    "outbound_customer_hangs_up": ("outbound", "answered"),
    "outbound_hold_unhold": ("outbound", "answered"),
    "outbound_customer_busy": ("outbound", "busy"),
    "outbound_customer_no_answer": ("outbound", "no_answer"),
    "outbound_cancelled_by_agent": ("outbound", "cancelled"),
    "outbound_network_refuses": ("outbound", "failed"),
    "outbound_trunk_down": ("outbound", "trunk_down"),
    "outbound_agent_rejects": ("outbound", "agent_busy"),
    "outbound_agent_phone_dead": ("outbound", "agent_unreachable"),
    "inbound_answered_agent_hangs_up": ("inbound", "answered"),
    "inbound_answered_caller_hangs_up": ("inbound", "answered"),
    "inbound_missed": ("inbound", "missed"),
    "inbound_nobody_there": ("inbound", "missed"),
    "internal_keypad_call": ("outbound", "answered"),
}
ENDED_BY = {
    "outbound_agent_hangs_up": "agent",
    "outbound_customer_hangs_up": "customer",
    "outbound_cancelled_by_agent": "agent",
    "outbound_customer_busy": "network",
    "inbound_answered_agent_hangs_up": "agent",
    "inbound_answered_caller_hangs_up": "customer",
    "inbound_missed": "customer",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_captured_call_adds_up(shape: str) -> None:
    book, changes = replay(shape)
    direction, outcome = SHAPES[shape]
    assert len(book) == 0, "nothing is left in progress"
    assert len({change.call.id for change in changes}) == 1, "one call, not two"
    call = changes[-1].call
    assert (call.direction, call.outcome) == (direction, outcome)
    if shape in ENDED_BY:
        assert call.ended_by == ENDED_BY[shape]
    if outcome == "answered":
        assert call.answered_at is not None and call.ended_at is not None
        assert 0 < call.talk_seconds <= call.ended_at - call.answered_at
    else:
        assert call.answered_at is None and call.talk_seconds == 0


def test_a_hold_is_seen_and_not_counted_as_talk() -> None:
    _, changes = replay("outbound_hold_unhold")
    kinds = [moment.kind for change in changes for moment in change.moments]
    assert kinds.index("hold") < kinds.index("unhold")
    call = changes[-1].call
    assert call.hold_seconds > 0
    assert "on_hold" in {change.call.state for change in changes}


def test_every_capture_has_its_expectation() -> None:
    """A shape without AMI events (refused at once) is tested where the command is."""
    silent = {path.stem for path in GOLDEN.glob("*.jsonl") if not any(True for _ in ami_events(path))}
    known_failing_in_asterisk = {"outbound_trunk_known_down"}
    assert {path.stem for path in GOLDEN.glob("*.jsonl")} == set(SHAPES) | silent | known_failing_in_asterisk


def test_replayed_twice_it_says_nothing_new() -> None:
    book, changes = replay("outbound_customer_hangs_up")
    count = len(changes)
    for headers, at in ami_events(GOLDEN / "outbound_customer_hangs_up.jsonl"):
        fact = normalise(headers, at)
        if fact is not None:
            assert book.apply(fact) is None
    assert len(changes) == count
