"""What facts add up to: one test a call shape."""

from datetime import UTC, datetime

import pytest
from ccserver.domain.ids import derived_id
from ccserver.domain.telephony import CallFailed, HangupAsked
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.domain.book import AGENT_LEG, ALICE, BOB, CALL, CUSTOMER_LEG, T0, Play


def talking() -> Play:
    play = Play().placed(0).agent(0.1).rings(0.2, AGENT_LEG).up(1.0, AGENT_LEG)
    return play.customer(1.1).rings(1.5, CUSTOMER_LEG).up(4.0, CUSTOMER_LEG)


def test_an_answered_click_to_call_counts_talk_from_when_both_are_up() -> None:
    play = talking()
    assert play.call.state == "talking"
    play.asks(14.0, CUSTOMER_LEG).gone(14.0, CUSTOMER_LEG).gone(14.2, AGENT_LEG)
    call = play.call
    assert (call.outcome, call.ended_by, call.talk_seconds) == ("answered", "customer", 10.0)
    assert call.answered_at == T0 + 4.0 and call.ended_at == T0 + 14.2 and call.ringing_at == T0 + 1.5
    assert play.kinds == [
        "placed", "leg_created", "ringing", "answered", "leg_created", "ringing", "answered", "connected",
        "leg_ended", "leg_ended", "ended",
    ]  # fmt: skip
    assert len(play.book) == 0


def test_states_follow_the_legs() -> None:
    play = Play().placed()
    states = [play.call.state]
    for step in (
        lambda: play.agent(0.1),
        lambda: play.up(1, AGENT_LEG),
        lambda: play.customer(1.1),
        lambda: play.rings(2, CUSTOMER_LEG),
        lambda: play.up(3, CUSTOMER_LEG),
        lambda: play.hold(4, AGENT_LEG, True),
        lambda: play.hold(5, AGENT_LEG, False),
    ):
        step()
        states.append(play.call.state)
    assert states == [
        "ringing_agent", "ringing_agent", "dialing", "dialing", "ringing", "talking", "on_hold", "talking",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cause", "sip", "rang", "outcome"),
    [
        (17, 486, False, "busy"),
        (17, 600, True, "busy"),
        (19, 480, True, "no_answer"),
        (19, 480, False, "failed"),
        (21, 603, True, "rejected"),
        (1, 404, False, "invalid_number"),
        (28, 484, False, "invalid_number"),
        (34, 503, False, "failed"),
        (20, None, False, "trunk_down"),
        (27, 408, False, "trunk_down"),
        (127, 488, False, "failed"),
    ],
)
def test_why_a_customer_did_not_answer(cause: int, sip: int | None, rang: bool, outcome: str) -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1)
    if rang:
        play.rings(2, CUSTOMER_LEG)
    play.gone(3, CUSTOMER_LEG, cause, sip).gone(3.1, AGENT_LEG, cause)
    assert (play.call.outcome, play.call.cause, play.call.sip) == (outcome, cause, sip)
    assert play.call.ended_by == "network" and play.call.answered_at is None and play.call.talk_seconds == 0


@pytest.mark.parametrize(
    ("cause", "sip", "rang", "outcome"),
    [
        (17, 486, True, "agent_busy"),
        (21, 603, True, "agent_busy"),
        (19, 480, True, "agent_no_answer"),
        (19, 480, False, "agent_unreachable"),
        (20, None, False, "agent_unreachable"),
    ],
)
def test_why_an_agent_did_not_answer_his_own_click(
    cause: int, sip: int | None, rang: bool, outcome: str
) -> None:
    play = Play().placed().agent(0.1)
    if rang:
        play.rings(0.2, AGENT_LEG)
    play.gone(3, AGENT_LEG, cause, sip)
    assert play.call.outcome == outcome


def test_an_agent_who_gives_up_while_the_customer_rings_has_cancelled() -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).rings(2, CUSTOMER_LEG)
    play.asks(3, AGENT_LEG).gone(3, AGENT_LEG).gone(3.1, CUSTOMER_LEG, 16, 487)
    assert (play.call.outcome, play.call.ended_by) == ("cancelled", "agent")


def test_an_agent_who_left_while_nobody_looked_has_cancelled() -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG).customer(1.1).rings(2, CUSTOMER_LEG)
    play.gone(3, AGENT_LEG).gone(9, CUSTOMER_LEG, 16, 487)
    assert (play.call.outcome, play.call.ended_by) == ("cancelled", "agent")


def test_a_hangup_from_the_page_is_the_agents() -> None:
    play = talking().feed(HangupAsked(at=T0 + 9, call_id=CALL, by="agent"))
    play.gone(9.1, CUSTOMER_LEG).gone(9.2, AGENT_LEG)
    assert (play.call.outcome, play.call.ended_by) == ("answered", "agent")


def test_a_leg_that_asterisk_refused_says_why_the_call_failed() -> None:
    play = Play().placed().agent(0.1).up(1, AGENT_LEG)
    play.feed(CallFailed(at=T0 + 1.1, call_id=CALL, outcome="trunk_down")).gone(1.2, AGENT_LEG)
    assert play.call.outcome == "trunk_down"
    alone = Play().placed().feed(CallFailed(at=T0 + 0.1, call_id=CALL, outcome="agent_unreachable"))
    assert alone.call.outcome == "agent_unreachable" and alone.call.ended_at == T0 + 0.1


def inbound() -> Play:
    return Play().channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")


def test_an_inbound_call_is_named_after_asterisks_own_words() -> None:
    call = inbound().call
    again = derived_id(datetime.fromtimestamp(1_790_000_000, UTC), "test", "1790000000.7")
    assert call.id == again
    assert (call.direction, call.number, call.our_number) == ("inbound", "+33612345678", "+33162000010")


def test_an_inbound_call_is_answered_when_the_agent_is() -> None:
    play = inbound()
    agent = f"cc-{play.call.id}-agent"
    play.channel(0.1, agent, "1001", linkedid="1790000000.7").rings(0.5, agent)
    assert play.call.state == "ringing" and play.call.agent_id == ALICE
    play.up(3, agent).up(3.05, "1790000000.7").asks(9, agent).gone(9, agent).gone(9.1, "1790000000.7")
    assert (play.call.outcome, play.call.ended_by) == ("answered", "agent")
    assert play.call.talk_seconds == pytest.approx(5.95)


def test_a_caller_who_gives_up_was_missed() -> None:
    play = inbound()
    agent = f"cc-{play.call.id}-agent"
    play.channel(0.1, agent, "1001", linkedid="1790000000.7").rings(0.5, agent)
    play.asks(5, "1790000000.7").gone(5, "1790000000.7").gone(5.1, agent, 26)
    assert (play.call.outcome, play.call.ended_by) == ("missed", "customer")


def test_the_fallback_of_the_dialplan_is_the_same_call() -> None:
    play = inbound().channel(1, "1790000000.8", "1002", linkedid="1790000000.7").rings(1.2, "1790000000.8")
    play.up(2, "1790000000.8").up(2, "1790000000.7")
    assert play.call.state == "talking" and play.call.agent_id == BOB
    play.gone(8, "1790000000.7").gone(8, "1790000000.8")
    assert play.call.outcome == "answered" and len({c.call.id for c in play.changes}) == 1


def test_a_keypad_call_is_outbound_and_between_phones_internal() -> None:
    out = Play().channel(0, "1790000000.1", "1001", exten="0145000001", caller="1001")
    assert (out.call.direction, out.call.number, out.call.agent_id) == ("outbound", "+33145000001", ALICE)
    internal = Play().channel(0, "1790000000.2", "1001", exten="1002", caller="1001")
    assert (internal.call.direction, internal.call.number) == ("internal", "1002")


def test_holds_are_not_talk() -> None:
    play = talking().hold(5, AGENT_LEG, True).hold(8, AGENT_LEG, False).hold(9, CUSTOMER_LEG, True)
    play.gone(10, CUSTOMER_LEG).gone(10, AGENT_LEG)
    assert play.call.hold_seconds == pytest.approx(4.0)
    assert play.call.talk_seconds == pytest.approx(2.0)


def test_what_asterisk_no_longer_has_is_ended_as_a_guess() -> None:
    play = talking()
    changes = play.book.missing([AGENT_LEG], asked_at=T0 + 20, now=T0 + 21)
    assert [c.call.ended_at for c in changes] == [None]
    changes = play.book.missing([], asked_at=T0 + 20, now=T0 + 22)
    assert changes[-1].call.end_estimated and changes[-1].call.outcome == "answered"
    assert len(play.book) == 0


def test_a_leg_younger_than_the_list_is_not_missing() -> None:
    play = Play().placed().agent(5)
    assert play.book.missing([], asked_at=T0 + 4, now=T0 + 6) == []


def test_a_call_that_never_had_a_leg_was_interrupted() -> None:
    changes = Play().placed().book.missing([], asked_at=T0 + 1, now=T0 + 2)
    assert [c.call.outcome for c in changes] == ["interrupted"]


def test_news_of_an_ended_call_opens_nothing() -> None:
    play = talking().gone(5, CUSTOMER_LEG).gone(5, AGENT_LEG)
    before = len(play.changes)
    play.agent(0.1).customer(1.1).up(4, CUSTOMER_LEG).gone(5, CUSTOMER_LEG)
    assert len(play.changes) == before and len(play.book) == 0


def test_an_ended_call_of_the_history_is_not_opened_by_its_old_facts() -> None:
    old = inbound().call.id
    play = Play()
    play.book.remember_ended([old])
    play.channel(0, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    assert play.changes == []


def test_a_click_whose_beginning_was_lost_keeps_its_id_and_its_number() -> None:
    play = Play().channel(0, AGENT_LEG, "1001", exten="s", caller="0145000001").up(1, AGENT_LEG).customer(1.1)
    assert (play.call.id, play.call.direction, play.call.number) == (CALL, "outbound", "+33145000001")
    assert play.call.external_id == f"cc-{CALL}" and play.call.agent_id == ALICE
    play.up(2, CUSTOMER_LEG).gone(5, CUSTOMER_LEG).gone(5, AGENT_LEG)
    assert play.call.outcome == "answered" and {c.call.id for c in play.changes} == {CALL}


FACTS = [
    "agent",
    "customer",
    "ring_a",
    "ring_c",
    "up_a",
    "up_c",
    "hold",
    "unhold",
    "ask_a",
    "ask_c",
    "gone_a",
    "gone_c",
]


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.floats(0, 100)), max_size=40))
def test_whatever_comes_in_whatever_order_the_record_stays_sane(script: list[tuple[str, float]]) -> None:
    play = Play().placed()
    actions = {
        "agent": play.agent,
        "customer": play.customer,
        "ring_a": lambda at: play.rings(at, AGENT_LEG),
        "ring_c": lambda at: play.rings(at, CUSTOMER_LEG),
        "up_a": lambda at: play.up(at, AGENT_LEG),
        "up_c": lambda at: play.up(at, CUSTOMER_LEG),
        "hold": lambda at: play.hold(at, AGENT_LEG, True),
        "unhold": lambda at: play.hold(at, AGENT_LEG, False),
        "ask_a": lambda at: play.asks(at, AGENT_LEG),
        "ask_c": lambda at: play.asks(at, CUSTOMER_LEG),
        "gone_a": lambda at: play.gone(at, AGENT_LEG),
        "gone_c": lambda at: play.gone(at, CUSTOMER_LEG),
    }
    for name, at in script:
        actions[name](at)
        call = play.call
        assert call.talk_seconds >= 0 and call.hold_seconds >= 0
        assert (call.ended_at is None) == (call.state != "ended")
        assert (call.outcome != "") == (call.ended_at is not None)
        assert call.ended_at is None or call.ended_at >= call.started_at
    revisions = [change.call.revision for change in play.changes]
    assert revisions == sorted(set(revisions))
    assert play.kinds.count("ended") <= 1


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.floats(0, 100)), max_size=20))
def test_a_replay_of_everything_changes_nothing_once_ended(script: list[tuple[str, float]]) -> None:
    play = talking().gone(5, CUSTOMER_LEG).gone(5, AGENT_LEG)
    ended = play.call
    play.up(3, CUSTOMER_LEG).gone(6, AGENT_LEG).rings(2, AGENT_LEG)
    assert play.call == ended


def test_a_call_on_hold_when_the_server_died_is_still_on_hold() -> None:
    play = talking().hold(5, AGENT_LEG, True)
    stored = replace(play.call, held_since=None, state="on_hold")
    later = Play()
    later.book.restore([stored])
    assert later.book.get(CALL) == play.call
    call = later.hold(9, AGENT_LEG, False).call
    assert (call.state, call.hold_seconds) == ("talking", pytest.approx(4.0))


def test_a_phone_that_only_rang_does_not_end_the_talk() -> None:
    play = inbound().channel(1, "1790000000.8", "1001", linkedid="1790000000.7").rings(1.1, "1790000000.8")
    play.channel(1, "1790000000.9", "1002", linkedid="1790000000.7").up(2, "1790000000.9")
    play.up(2, "1790000000.7").gone(2.1, "1790000000.8", 26)
    play.gone(12, "1790000000.7").gone(12, "1790000000.9")
    assert play.call.talk_seconds == pytest.approx(10.0)
