"""Joining two parties: what is to be done at each input, by tables and at random."""

from dataclasses import replace
from uuid import UUID

from ccserver.domain import connect
from ccserver.domain.channels import first_channel, next_channel
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


LEG = f"cc-{CALL}-customer"


def with_ways(kind: Kind, *ways: str) -> Connection:
    return replace(fresh(kind), b_id=LEG, b_ways=ways)


def test_a_leg_whose_way_fails_unheard_is_made_anew_by_the_next_one() -> None:
    step = connect.a_up(connect.begin(with_ways(Kind.CLICK_TO_CALL, "one", "two", "three"))[0])
    assert (step[0].b_way, step[0].b_ways) == ("one", ("two", "three"))
    step = connect.gone(step[0], LEG, 34, 503)
    assert did(step) == [Do.CALL_B] and (step[0].b_way, step[0].b_id) == ("two", f"{LEG}-2")
    step = connect.failed(step[0], Do.CALL_B)
    assert did(step) == [Do.CALL_B] and (step[0].b_way, step[0].b_id) == ("three", f"{LEG}-3")
    assert connect.gone(step[0], LEG, 16, None) == (step[0], ()), "an earlier channel is no news"
    step = connect.gone(step[0], f"{LEG}-3", 34, 503)
    assert step[1] == (Action(Do.HANG_UP_A, 34),), "all of them failed"


def test_what_was_heard_or_said_by_the_network_is_the_answer() -> None:
    begun = connect.a_up(connect.begin(with_ways(Kind.CLICK_TO_CALL, "one", "two"))[0])[0]
    for cause, sip in (
        (17, 486),
        (1, 404),
        (28, 484),
        (19, 480),
        (21, 603),
        (58, 606),
        (21, None),
        (16, None),
    ):
        assert did(connect.gone(begun, LEG, cause, sip)) == [Do.HANG_UP_A], (cause, sip)
    for cause, sip in (
        (34, 503),
        (38, 500),
        (18, 408),
        (21, 401),
        (21, 403),
        (58, 488),
        (38, None),
        (20, None),
    ):
        assert did(connect.gone(begun, LEG, cause, sip)) == [Do.CALL_B], (cause, sip)
        for heard in (connect.b_rings, connect.b_early):
            assert did(connect.gone(heard(begun)[0], LEG, cause, sip)) == [Do.HANG_UP_A], (cause, sip)
    assert connect.failed(begun, Do.CALL_B, way=False)[1] == (Action(Do.HANG_UP_A, 20),)
    ending = connect.hang_up(begun)[0]
    assert Do.CALL_B not in did(connect.gone(ending, LEG, 34, 503))


def test_an_emergency_call_tries_every_way_until_somebody_answers() -> None:
    urgent = replace(with_ways(Kind.CLICK_TO_CALL, "one", "two"), urgent=True)
    begun = connect.a_up(connect.begin(urgent)[0])[0]
    for heard in (connect.b_rings, connect.b_early, lambda c: (c, ())):
        step = connect.gone(heard(begun)[0], LEG, 17, 486)
        assert did(step)[-1] is Do.CALL_B and not step[0].bridged
        assert (Do.DESTROY_BRIDGE in did(step)) is (heard is connect.b_early)
    joined = connect.b_up(begun)[0]
    assert did(connect.gone(joined, LEG, 16, None)) == [Do.HANG_UP_A]


def test_a_trunk_found_dead_is_left_at_once_by_who_waits_for_its_sign() -> None:
    begun = connect.a_up(connect.begin(with_ways(Kind.CLICK_TO_CALL, "one", "two"))[0])[0]
    step = connect.way_lost(begun, "one")
    assert step[1] == (Action(Do.HANG_UP_B, 16, LEG), Action(Do.CALL_B)) and step[0].b_way == "two"
    assert connect.way_lost(begun, "two")[1] == ()
    assert connect.way_lost(connect.b_rings(begun)[0], "one")[1] == ()
    assert connect.way_lost(step[0], "two")[1] == (), "there is no other way"


def test_a_mobile_is_asked_before_anybody_is_called_for_it() -> None:
    mobile = replace(fresh(Kind.CLICK_TO_CALL), a_ways=("one", "two"), confirm=True)
    step = connect.begin(mobile)
    assert step[0].a_way == "one" and did(step) == [Do.CALL_A]
    step = connect.gone(step[0], "a", 34, 503)
    assert did(step) == [Do.CALL_A] and step[0].a_way == "two"
    step = connect.a_up(connect.a_rings(step[0])[0])
    assert did(step) == [Do.ASK_A] and step[0].a is Stage.ASKED
    assert connect.a_up(step[0])[1] == ()
    assert did(connect.confirmed(step[0])) == [Do.CALL_B]
    refused = connect.unconfirmed(step[0])
    assert did(refused) == [Do.HANG_UP_A]
    assert connect.gone(refused[0], step[0].a_id, 16)[0].over


def test_a_caller_is_joined_with_who_pressed_the_key_only() -> None:
    step = connect.b_up(connect.begin(replace(with_ways(Kind.INBOUND, "one"), confirm=True))[0])
    assert did(step) == [Do.ASK_B]
    assert did(connect.confirmed(step[0])) == [Do.STOP_RING_A, Do.ANSWER_A, Do.END_LEASE, Do.BRIDGE]
    refused = connect.unconfirmed(step[0])
    assert did(refused) == [Do.HANG_UP_B]
    assert connect.gone(refused[0], LEG, 16)[1] == (Action(Do.HANG_UP_A, 19),)


def test_after_a_restart_a_mobile_is_asked_again_unless_its_call_went_on() -> None:
    mobile = replace(fresh(Kind.CLICK_TO_CALL), confirm=True, a=Stage.UP)
    assert did(connect.resume(mobile)) == [Do.ASK_A]
    assert did(connect.resume(replace(mobile, b=Stage.RINGING))) == []
    caller = replace(fresh(Kind.INBOUND), confirm=True, a=Stage.PRESENT, b=Stage.UP)
    assert did(connect.resume(caller)) == [Do.ASK_B]
    assert did(connect.resume(replace(caller, a=Stage.UP, bridged=True))) == []


def test_the_names_of_attempts() -> None:
    assert next_channel(LEG) == f"{LEG}-2"
    assert next_channel(f"{LEG}-9") == f"{LEG}-10"
    for channel in (LEG, f"{LEG}-2", f"{LEG}-10"):
        assert first_channel(channel) == LEG
    assert first_channel("1790000000.7-2") == "1790000000.7-2"


INPUTS = [
    *("a_up", "a_rings", "entered", "rings", "early", "b_up", "gone_a", "gone_b", "hang_up"),
    *("way_fails", "refused", "trunk_lost", "confirmed", "unconfirmed"),
]


@given(
    st.sampled_from(list(Kind)),
    st.integers(0, 3),
    st.booleans(),
    st.lists(st.sampled_from(INPUTS), max_size=25),
)
def test_nobody_is_ever_left_alone(kind: Kind, ways: int, confirm: bool, script: list[str]) -> None:
    """Once a party is gone the other has been told to go, and a bridge that was made is destroyed."""
    slugs = tuple(f"way{number}" for number in range(ways))
    connection, first = connect.begin(replace(fresh(kind), b_ways=slugs, confirm=confirm))
    done = [action.do for action in first]
    for name in script:
        step = {
            "a_up": connect.a_up,
            "entered": connect.b_entered,
            "rings": connect.b_rings,
            "early": connect.b_early,
            "b_up": connect.b_up,
            "a_rings": connect.a_rings,
            "gone_a": lambda c: connect.gone(c, c.a_id, 16),
            "gone_b": lambda c: connect.gone(c, c.b_id, 16),
            "way_fails": lambda c: connect.gone(c, c.b_id, 34, 503),
            "refused": lambda c: connect.failed(c, Do.CALL_B) if c.b is Stage.CALLING else (c, ()),
            "trunk_lost": lambda c: connect.way_lost(c, c.b_way),
            "confirmed": connect.confirmed,
            "unconfirmed": connect.unconfirmed,
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
    assert done.count(Do.CALL_B) <= max(1, ways), "nobody is called more often than there are ways"
    if confirm and kind is not Kind.KEYPAD and "confirmed" not in script:
        assert kind is Kind.CLICK_TO_CALL or Do.BRIDGE not in done
        assert kind is Kind.INBOUND or Do.CALL_B not in done
