"""An agent's time: one state at each instant, and intervals whose sum is the shift."""

import itertools
from collections.abc import Iterator
from uuid import UUID

from ccserver.domain.agent import AgentStep, Interval
from ccserver.domain.agentbook import AgentBook
from ccserver.domain.directory import Agent, Directory
from ccserver.domain.ids import uuid7
from ccserver.domain.telephony import CallRouted
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.domain.book import AGENT_LEG, ALICE, BOB, CUSTOMER_LEG, PARIS, T0, TENANT, Play

SESSION = UUID("01900000-0000-7000-8000-0000000000d1")
DIRECTORY = Directory(
    agents=[
        Agent(
            id=ALICE,
            tenant_id=TENANT,
            login="alice",
            name="Alice",
            site_id=PARIS,
            extension="1001",
            active=True,
        )
    ]
)


def ids() -> Iterator[UUID]:
    number = 0
    while True:
        number += 1
        yield uuid7(number, bytes(10))


def book() -> AgentBook:
    numbers = ids()
    agents = AgentBook(lambda at: next(numbers))
    agents.follow(DIRECTORY, T0)
    return agents


class Shift:
    """Keeps the last word on each interval, as PostgreSQL does."""

    def __init__(self) -> None:
        self.agents = book()
        self.intervals: dict[UUID, Interval] = {}

    def take(self, step: AgentStep | None) -> None:
        for interval in step.intervals if step is not None else ():
            self.intervals[interval.id] = interval

    def choose(self, at: float, state: str, reason: str = "") -> None:
        self.take(self.agents.chose(ALICE, state, reason, SESSION, T0 + at))

    def calls(self, play: Play) -> None:
        for change in play.changes:
            at = change.moments[-1].at if change.moments else T0
            for step in self.agents.call_changed(change.call, at):
                self.take(step)
        play.changes.clear()

    @property
    def told(self) -> list[tuple[str, float, float | None]]:
        return [
            (i.state, round(i.begun_at - T0, 3), None if i.until is None else round(i.until - T0, 3))
            for i in self.intervals.values()
        ]


def test_a_call_is_one_story_in_the_agents_time() -> None:
    shift = Shift()
    shift.choose(0, "available")
    play = Play().placed(10).agent(10.1).up(12, AGENT_LEG).customer(12.1).up(15, CUSTOMER_LEG)
    play.hold(20, AGENT_LEG, True).hold(22, AGENT_LEG, False).gone(30, CUSTOMER_LEG).gone(30.5, AGENT_LEG)
    shift.calls(play)
    shift.choose(40, "paused", "lunch")
    shift.choose(50, "offline")
    assert shift.told == [
        ("available", 0, 10),
        ("ringing", 10, 12),
        ("dialing", 12, 15),
        ("on_call", 15, 20),
        ("on_hold", 20, 22),
        ("on_call", 22, 30.5),
        ("available", 30.5, 40),
        ("paused", 40, 50),
    ]


def test_who_is_called_rings_until_he_is_connected() -> None:
    """His telephone answers some milliseconds before the caller is put through: no dialling of his lies between."""
    shift = Shift()
    shift.choose(0, "available")
    caller = "1790000000.7"
    play = Play().channel(0, caller, "trunk-paris", exten="0162000010", caller="0612345678")
    agent = f"cc-{play.call.id}-agent"
    play.channel(0.1, agent, "1001", linkedid=caller).rings(0.5, agent).up(3, agent).up(3.05, caller)
    shift.calls(play.gone(9, agent).gone(9.1, caller))
    assert [state for state, _, _ in shift.told] == ["available", "ringing", "on_call", "available"]


def test_a_pause_asked_during_a_call_begins_when_the_call_is_over() -> None:
    shift = Shift()
    shift.choose(0, "available")
    play = Play().placed(1).agent(1).up(2, AGENT_LEG)
    shift.calls(play)
    shift.choose(3, "paused", "training")
    agent = shift.agents.get(ALICE)
    assert agent is not None and agent.state == "dialing"
    shift.calls(play.gone(5, AGENT_LEG))
    agent = shift.agents.get(ALICE)
    assert agent is not None and (agent.state, agent.reason) == ("paused", "training")


def test_an_agent_taken_from_the_directory_is_logged_out() -> None:
    shift = Shift()
    shift.choose(0, "available")
    for step in shift.agents.follow(Directory(), T0 + 9):
        shift.take(step)
    assert shift.told == [("available", 0, 9)] and shift.agents.get(ALICE) is None


def test_an_unavailable_device_does_not_hide_that_the_contact_is_unreachable() -> None:
    agents = book()
    assert agents.phone_changed(ALICE, "registered", "contact", T0) is not None
    assert agents.phone_changed(ALICE, "unreachable", "contact", T0 + 1) is not None
    assert agents.phone_changed(ALICE, "unregistered", "device", T0 + 2) is None
    agent = agents.get(ALICE)
    assert agent is not None and (agent.phone, agent.phone_since) == ("unreachable", T0 + 1)
    assert agents.phone_changed(ALICE, "unregistered", "contact", T0 + 3) is not None


def test_open_intervals_of_an_earlier_run_go_on() -> None:
    shift = Shift()
    shift.choose(0, "paused", "lunch")
    later = book()
    assert later.restore(list(shift.intervals.values())) == []
    step = later.chose(ALICE, "available", "", SESSION, T0 + 60)
    assert [(i.state, i.until) for i in step.intervals] == [("paused", T0 + 60), ("available", None)]
    assert step.intervals[0].id == next(iter(shift.intervals))


STEPS = ["available", "paused", "offline", "placed", "agent", "up", "customer", "up_c", "gone_c", "gone"]


@given(
    st.lists(st.tuples(st.sampled_from(STEPS), st.floats(0, 10), st.sampled_from(["a", "b"])), max_size=40)
)
def test_intervals_never_overlap_and_leave_no_hole(script: list[tuple[str, float, str]]) -> None:
    shift, play, now = Shift(), Play(), 0.0
    for name, step, reason in script:
        # Instants jump back and forth: two clocks, late facts.
        now = max(0.0, now + step - 3)
        match name:
            case "available" | "paused" | "offline":
                shift.choose(now, name, reason)
            case "placed":
                play.placed(now)
            case "agent":
                play.agent(now)
            case "up":
                play.up(now, AGENT_LEG)
            case "customer":
                play.customer(now)
            case "up_c":
                play.up(now, CUSTOMER_LEG)
            case "gone_c":
                play.gone(now, CUSTOMER_LEG)
            case _:
                play.gone(now, AGENT_LEG)
        shift.calls(play)
    told = [i for i in shift.told if i[2] is None or i[2] > i[1]]
    for before, after in itertools.pairwise(told):
        assert before[2] is not None and before[2] <= after[1]
    assert sum(1 for i in told if i[2] is None) <= 1


def test_a_call_that_goes_to_another_agent_lets_the_first_one_go() -> None:
    shift = Shift()
    shift.choose(0, "available")
    play = Play().channel(1, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    routed = play.book.assign(play.call.id, ALICE)
    assert routed is not None
    play.changes.append(routed)
    shift.calls(play)
    assert shift.agents.busy(ALICE), "busy from the instant the call is hers, before her phone rings"
    shift.calls(play.channel(2, "1790000000.8", "1002", linkedid="1790000000.7"))
    agent = shift.agents.get(ALICE)
    assert agent is not None and (agent.state, agent.call_id) == ("available", None)


def test_an_agent_who_comes_back_to_the_directory_is_not_held_by_a_call_of_before() -> None:
    shift = Shift()
    shift.choose(0, "available")
    play = Play().placed(1).agent(1)
    shift.calls(play)
    shift.agents.follow(Directory(), T0 + 2)
    shift.calls(play.gone(3, AGENT_LEG))
    shift.agents.follow(DIRECTORY, T0 + 4)
    shift.choose(5, "available")
    agent = shift.agents.get(ALICE)
    assert agent is not None and agent.state == "available"


def test_a_call_between_two_agents_holds_both() -> None:
    both = Directory(agents=[*DIRECTORY.agents, replace(DIRECTORY.agents[0], id=BOB, extension="1002")])
    shift = Shift()
    shift.agents.follow(both, T0)
    play = Play().channel(1, "1790000000.2", "1001", exten="1002", caller="1001")
    phone = f"cc-{play.call.id}-customer"
    shift.calls(play.channel(1.1, phone, "1002", linkedid="1790000000.2"))
    shown = [agent.state for agent in shift.agents]
    assert shown == ["dialing", "ringing"] and shift.agents.busy(BOB)
    shift.calls(play.up(2, phone).up(2, "1790000000.2"))
    assert [agent.state for agent in shift.agents] == ["on_call", "on_call"]
    shift.calls(play.gone(3, "1790000000.2").gone(3, phone))
    assert [agent.state for agent in shift.agents] == ["offline", "offline"]


def test_who_takes_over_a_caller_is_held_before_his_phone_is_called() -> None:
    """The first party was nobody's phone: its leg, which is over, is not his."""
    shift = Shift()
    shift.choose(0, "available")
    play = Play().channel(1, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    call = play.call.id
    play.feed(CallRouted(at=T0 + 1, call_id=call, target="number", to="+33145000009"))
    play.channel(1.1, f"cc-{call}-agent", "trunk-paris", linkedid="1790000000.7")
    play.gone(5, f"cc-{call}-agent", 19)
    play.feed(CallRouted(at=T0 + 5, call_id=call, target="agent", to="1001", relays=1))
    assigned = play.book.assign(call, ALICE)
    assert assigned is not None
    play.changes.append(assigned)
    shift.calls(play)
    assert shift.agents.busy(ALICE), "a second caller must not be sent to him as well"
    play.channel(5.2, f"cc-{call}-relay1", "1001", linkedid="1790000000.7")
    shift.calls(play)
    assert shift.agents.busy(ALICE)
    play.gone(8, f"cc-{call}-relay1", 19)
    shift.calls(play)
    assert not shift.agents.busy(ALICE)


def test_who_could_not_be_rung_is_not_held_while_his_caller_leaves_a_message() -> None:
    shift = Shift()
    shift.choose(0, "available")
    play = Play().channel(1, "1790000000.7", "trunk-paris", exten="0162000010", caller="0612345678")
    assigned = play.book.assign(play.call.id, ALICE)
    assert assigned is not None
    play.changes.append(assigned)
    shift.calls(play)
    assert shift.agents.busy(ALICE)
    call = assigned.call.id
    play.feed(CallRouted(at=T0 + 2, call_id=call, target="voicemail", to="", relays=1, outcome="voicemail"))
    shift.calls(play)
    assert not shift.agents.busy(ALICE)
