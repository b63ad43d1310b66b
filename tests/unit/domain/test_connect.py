"""Joining two parties: what is to be done at each input, by tables and at random."""

from dataclasses import replace
from uuid import UUID

from ccserver.domain import connect
from ccserver.domain.connect import Action, Connection, Do, Kind, Stage
from hypothesis import given
from hypothesis import strategies as st

CALL = UUID("01900000-0000-7000-8000-0000000000c1")


def fresh(kind: Kind) -> Connection:
    return Connection(call_id=CALL, kind=kind, a_id="a", b_id="b", bridge_id="x")


def did(step: connect.Step) -> list[Do]:
    return [action.do for action in step[1]]


def test_click_to_call_rings_the_agent_then_the_customer_then_joins() -> None:
    connection, actions = connect.begin(fresh(Kind.CLICK_TO_CALL))
    assert [a.do for a in actions] == [Do.CALL_A]
    step = connect.a_up(connection)
    assert did(step) == [Do.CALL_B]
    step = connect.b_entered(step[0])
    assert did(step) == [Do.DIAL_B]
    step = connect.b_rings(step[0])
    assert did(step) == [Do.RING_A]
    step = connect.b_up(step[0])
    assert did(step) == [Do.STOP_RING_A, Do.END_LEASE, Do.BRIDGE]
    step = connect.gone(step[0], "b", 16)
    assert step[1] == (Action(Do.HANG_UP_A, 16),)
    step = connect.gone(step[0], "a", 16)
    assert did(step) == [Do.DESTROY_BRIDGE] and step[0].over


def test_inbound_lets_the_caller_hear_ringing_and_answers_only_when_the_agent_does() -> None:
    step = connect.begin(fresh(Kind.INBOUND))
    assert did(step) == [Do.RING_A, Do.CALL_B]
    assert did(connect.b_rings(step[0])) == []
    step = connect.b_up(connect.b_rings(step[0])[0])
    assert did(step) == [Do.STOP_RING_A, Do.ANSWER_A, Do.END_LEASE, Do.BRIDGE]


def test_a_caller_is_told_busy_when_the_agents_phone_was_and_no_answer_otherwise() -> None:
    for cause, told in ((17, 17), (21, 17), (19, 19), (None, 19), (20, 20)):
        step = connect.gone(connect.begin(fresh(Kind.INBOUND))[0], "b", cause)
        assert step[1] == (Action(Do.HANG_UP_A, told),)


def test_early_media_is_let_through_and_the_answer_joins_nothing_twice() -> None:
    step = connect.a_up(connect.begin(fresh(Kind.CLICK_TO_CALL))[0])
    step = connect.b_early(connect.b_rings(step[0])[0])
    assert did(step) == [Do.STOP_RING_A, Do.BRIDGE]
    assert did(connect.b_up(step[0])) == [Do.END_LEASE]


def test_an_answer_after_the_other_left_is_let_go() -> None:
    step = connect.a_up(connect.begin(fresh(Kind.CLICK_TO_CALL))[0])
    step = connect.gone(step[0], "a", 16)
    assert did(step) == [Do.HANG_UP_B]
    assert did(connect.b_up(step[0])) == [Do.HANG_UP_B]


def test_hang_up_lets_both_go_once() -> None:
    step = connect.b_rings(connect.a_up(connect.begin(fresh(Kind.CLICK_TO_CALL))[0])[0])
    assert did(connect.hang_up(step[0])) == [Do.HANG_UP_B, Do.HANG_UP_A]


def test_a_refused_leg_counts_as_gone() -> None:
    step = connect.a_up(connect.begin(fresh(Kind.CLICK_TO_CALL))[0])
    assert did(connect.failed(step[0], Do.CALL_B)) == [Do.HANG_UP_A]
    first = connect.begin(fresh(Kind.CLICK_TO_CALL))
    assert connect.failed(first[0], Do.CALL_A)[0].over


def test_resume_goes_on_from_what_asterisk_has() -> None:
    click = fresh(Kind.CLICK_TO_CALL)
    cases = [
        (replace(click, a=Stage.UP, b=Stage.UP, bridged=True), []),
        (replace(click, a=Stage.UP, b=Stage.UP), [Do.STOP_RING_A, Do.END_LEASE, Do.BRIDGE]),
        (replace(click, a=Stage.UP), [Do.CALL_B]),
        (replace(click, a=Stage.CALLING), []),
        (replace(click, a=Stage.UP, b=Stage.RINGING), []),
        (replace(click, a=Stage.UP, b=Stage.CALLING), [Do.DIAL_B]),
        (replace(click, b=Stage.UP), [Do.HANG_UP_B]),
        (replace(fresh(Kind.INBOUND), a=Stage.PRESENT), [Do.RING_A, Do.CALL_B]),
        (
            replace(fresh(Kind.INBOUND), a=Stage.PRESENT, b=Stage.UP),
            [Do.STOP_RING_A, Do.ANSWER_A, Do.END_LEASE, Do.BRIDGE],
        ),
        # B was called already and is gone: nobody calls a customer twice.
        (replace(click, a=Stage.UP, b=Stage.GONE), [Do.HANG_UP_A]),
        (replace(fresh(Kind.KEYPAD), a=Stage.PRESENT, b=Stage.CALLING), [Do.DIAL_B]),
    ]
    for connection, expected in cases:
        assert did(connect.resume(connection)) == expected
    assert connect.resume(click)[0].over


INPUTS = ["a_up", "entered", "rings", "early", "b_up", "gone_a", "gone_b", "hang_up"]


@given(st.sampled_from(list(Kind)), st.lists(st.sampled_from(INPUTS), max_size=25))
def test_nobody_is_ever_left_alone(kind: Kind, script: list[str]) -> None:
    """Once a party is gone the other has been told to go, and a bridge that was made is destroyed."""
    connection, first = connect.begin(fresh(kind))
    done = [action.do for action in first]
    for name in script:
        step = {
            "a_up": connect.a_up,
            "entered": connect.b_entered,
            "rings": connect.b_rings,
            "early": connect.b_early,
            "b_up": connect.b_up,
            "gone_a": lambda c: connect.gone(c, "a", 16),
            "gone_b": lambda c: connect.gone(c, "b", 16),
            "hang_up": connect.hang_up,
        }[name](connection)
        connection, actions = step
        done += [action.do for action in actions]
    if connection.a is Stage.GONE and connection.b not in (Stage.GONE, Stage.ABSENT):
        assert Do.HANG_UP_B in done
    if connection.b is Stage.GONE and connection.a not in (Stage.GONE, Stage.ABSENT):
        assert Do.HANG_UP_A in done
    if connection.a is Stage.GONE and connection.b is Stage.GONE and connection.bridged:
        assert done.count(Do.DESTROY_BRIDGE) == 1
    assert done.count(Do.BRIDGE) <= 1
