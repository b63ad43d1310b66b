"""Joining two parties: the procedure behind click-to-call, an inbound DID and a number dialled on the keypad.

Leg A is there first (the agent for click-to-call and keypad, the caller for inbound); leg B is called for
it. Pure: ``(connection, input) -> (connection, [actions])``. The owner carries actions out over ARI; only
what comes back as an event changes the connection.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class Kind(StrEnum):
    """What is joined: who is A and who is B."""

    CLICK_TO_CALL = "click_to_call"  # A = agent's phone, rung by us; B = customer over the trunk
    KEYPAD = "keypad"  # A = agent's phone, which dialled; B = customer over the trunk
    INBOUND = "inbound"  # A = caller on a trunk; B = agent's phone


class Stage(StrEnum):
    """How far a leg is."""

    ABSENT = "absent"
    CALLING = "calling"  # asked for; does not ring yet
    RINGING = "ringing"
    EARLY = "early"  # early media: the network's own tones or announcement
    PRESENT = "present"  # in our application but not answered (A only)
    UP = "up"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One joining in progress. Channel ids are Asterisk uniqueids; ``b_id`` is ours to give."""

    call_id: UUID
    kind: Kind
    a_id: str
    b_id: str
    bridge_id: str
    a: Stage = Stage.ABSENT
    b: Stage = Stage.ABSENT
    ringback: bool = False
    bridged: bool = False
    ending: bool = False

    @property
    def over(self) -> bool:
        """Nothing is left to do: both legs are gone or never came."""
        return self.a in (Stage.GONE, Stage.ABSENT) and self.b in (Stage.GONE, Stage.ABSENT) and self.ending


class Do(StrEnum):
    """What the owner must do, on which leg."""

    CALL_A = "call_a"
    CALL_B = "call_b"
    DIAL_B = "dial_b"
    RING_A = "ring_a"
    STOP_RING_A = "stop_ring_a"
    ANSWER_A = "answer_a"
    BRIDGE = "bridge"
    END_LEASE = "end_lease"
    HANG_UP_A = "hang_up_a"
    HANG_UP_B = "hang_up_b"
    DESTROY_BRIDGE = "destroy_bridge"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; ``cause`` is the Q.850 cause of a hang-up, so that the phone shows the true reason."""

    do: Do
    cause: int | None = None


Step = tuple[Connection, tuple[Action, ...]]
_LIVE = frozenset({Stage.CALLING, Stage.RINGING, Stage.EARLY, Stage.PRESENT, Stage.UP})


def begin(connection: Connection) -> Step:
    """Starts: rings the agent for a click-to-call; otherwise A is in our hands already and B is called."""
    if connection.kind is Kind.CLICK_TO_CALL:
        return replace(connection, a=Stage.CALLING), (Action(Do.CALL_A),)
    return call_b(replace(connection, a=Stage.PRESENT))


def call_b(connection: Connection) -> Step:
    """A is in our application: call B, and let a caller hear that we do."""
    actions = [Action(Do.CALL_B)]
    ringback = connection.kind is Kind.INBOUND
    if ringback:
        actions.insert(0, Action(Do.RING_A))
    return replace(connection, b=Stage.CALLING, ringback=ringback), tuple(actions)


def a_up(connection: Connection) -> Step:
    """A entered our application answered (the agent picked up his phone for his click)."""
    if connection.ending or connection.a is Stage.GONE:
        return connection, (Action(Do.HANG_UP_A, 16),)
    grown = replace(connection, a=Stage.UP)
    if grown.b is Stage.ABSENT:
        return call_b(grown)
    return _joined(grown) if grown.b is Stage.UP else (grown, ())


def b_entered(connection: Connection) -> Step:
    """The customer's channel, made but not dialled, is in our application: only now may it be dialled.

    Creating it answers before it has entered (tests/golden/README.md): a dial at once is sometimes refused.
    """
    if connection.kind is Kind.INBOUND or connection.b is not Stage.CALLING:
        return connection, ()
    return connection, (Action(Do.HANG_UP_B, 16) if connection.ending else Action(Do.DIAL_B),)


def b_rings(connection: Connection) -> Step:
    """B rings: an agent who waits hears a ringing tone."""
    if connection.b is not Stage.CALLING or connection.ending:
        return connection, ()
    grown = replace(connection, b=Stage.RINGING)
    if grown.ringback:
        return grown, ()
    return replace(grown, ringback=True), (Action(Do.RING_A),)


def b_early(connection: Connection) -> Step:
    """B's network plays something of its own (busy announcement, special ringing): let A hear it."""
    if (
        connection.b not in (Stage.CALLING, Stage.RINGING)
        or connection.ending
        or connection.a is not Stage.UP
    ):
        return connection, ()
    grown = replace(connection, b=Stage.EARLY, ringback=False, bridged=True)
    stop = (Action(Do.STOP_RING_A),) if connection.ringback else ()
    return grown, (*stop, Action(Do.BRIDGE))


def b_up(connection: Connection) -> Step:
    """B answered: join them, or let B go if A has left meanwhile."""
    if connection.ending or connection.a in (Stage.GONE, Stage.ABSENT):
        return connection, (Action(Do.HANG_UP_B, 16),)
    if connection.b is Stage.UP:
        return connection, ()
    return _joined(replace(connection, b=Stage.UP))


def _joined(connection: Connection) -> Step:
    actions: list[Action] = []
    if connection.ringback:
        actions.append(Action(Do.STOP_RING_A))
    if connection.a is Stage.PRESENT:
        actions.append(Action(Do.ANSWER_A))
    actions.append(Action(Do.END_LEASE))
    if not connection.bridged:
        actions.append(Action(Do.BRIDGE))
    return replace(connection, a=Stage.UP, ringback=False, bridged=True), tuple(actions)


# What a caller is told when the agent's phone did not answer: busy and rejected as busy, else no answer.
_CAUSE_FOR_CALLER = {17: 17, 21: 17}


def gone(connection: Connection, channel: str, cause: int | None) -> Step:
    """A channel ended: the other party is let go, and the bridge goes with the last of them."""
    grown = connection
    actions: list[Action] = []
    if channel == connection.a_id and connection.a is not Stage.GONE:
        grown = replace(grown, a=Stage.GONE, ending=True)
        if grown.b in _LIVE:
            actions.append(Action(Do.HANG_UP_B, 16))
    elif channel == connection.b_id and connection.b is not Stage.GONE:
        answered = grown.b is Stage.UP
        grown = replace(grown, b=Stage.GONE, ending=True)
        if grown.a in _LIVE:
            told = 16 if answered else _CAUSE_FOR_CALLER.get(cause or 0, cause or 19)
            actions.append(Action(Do.HANG_UP_A, told))
    else:
        return connection, ()
    if grown.over and connection.bridged:
        actions.append(Action(Do.DESTROY_BRIDGE))
    return grown, tuple(actions)


def failed(connection: Connection, leg: Do) -> Step:
    """Asterisk refused to make a leg: nothing will come back about it, so it counts as gone."""
    channel = connection.a_id if leg is Do.CALL_A else connection.b_id
    return gone(connection, channel, 20)


def hang_up(connection: Connection) -> Step:
    """Somebody asked to end it: let both go; their ends come back as events."""
    grown = replace(connection, ending=True)
    actions: list[Action] = []
    if grown.b in _LIVE:
        actions.append(Action(Do.HANG_UP_B, 16))
    if grown.a in _LIVE:
        actions.append(Action(Do.HANG_UP_A, 16))
    return grown, tuple(actions)


def resume(connection: Connection) -> Step:
    """After a restart: ``connection`` was made from what Asterisk has; go on from there."""
    a_live, b_live = connection.a in _LIVE, connection.b in _LIVE
    if not a_live and not b_live:
        return replace(connection, ending=True), ()
    if a_live and b_live:
        rings = connection.kind is Kind.INBOUND or connection.b in (Stage.RINGING, Stage.UP)
        connection = replace(connection, ringback=rings and not connection.bridged)
        if connection.b is Stage.UP and connection.a in (Stage.UP, Stage.PRESENT) and not connection.bridged:
            return _joined(connection)
        if connection.b is Stage.CALLING and connection.a in (Stage.UP, Stage.PRESENT):
            # Made, perhaps not dialled any more: a second dial of a dialled channel is refused and harmless.
            return b_entered(connection)
        return connection, ()
    if a_live and connection.a in (Stage.UP, Stage.PRESENT) and connection.b is Stage.ABSENT:
        return call_b(connection)
    if a_live and connection.a is Stage.CALLING:
        return connection, ()
    return hang_up(connection)
