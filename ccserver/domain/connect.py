"""Joining two parties: the procedure behind click-to-call, an inbound DID and a number dialled on the keypad.

Leg A is there first (the agent for click-to-call and keypad, the caller for inbound); leg B is called for
it. Pure: ``(connection, input) -> (connection, [actions])``. The owner carries actions out over ARI; only
what comes back as an event changes the connection.

A leg that leaves by a trunk has ways: when one fails before anything was heard from the far end, the leg is made
anew by the next one, under a channel id of its own, and the other party only waits a little longer.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from ccserver.domain.channels import next_channel
from ccserver.domain.way import way_failed


class Kind(StrEnum):
    """What is joined: who is A and who is B."""

    CLICK_TO_CALL = "click_to_call"  # A = agent's phone, rung by us; B = customer over a trunk
    KEYPAD = "keypad"  # A = the phone that dialled; B = customer over a trunk, or a colleague's phone
    INBOUND = "inbound"  # A = caller on a trunk; B = agent's or physical phone, mobile, or forwarded number


class Stage(StrEnum):
    """How far a leg is."""

    ABSENT = "absent"
    CALLING = "calling"  # asked for; does not ring yet
    RINGING = "ringing"
    EARLY = "early"  # early media: the network's own tones or announcement
    PRESENT = "present"  # in our application but not answered (A only)
    ASKED = "asked"  # answered, but perhaps by a mobile's voicemail: asked to press a key
    UP = "up"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One joining in progress. Channel ids are Asterisk uniqueids; those of legs that we make are ours to give.

    ``a_way``, ``b_way``: the trunk (slug) by which a leg is made, "" for a phone; ``a_ways``, ``b_ways``: those that
    it may still try. ``confirm``: the agent's leg (A of a click-to-call, B of an inbound call) must press a key.
    ``urgent``: an emergency call, for which only an answer ends the search for a way (decision 0013). ``relieved``:
    somebody else takes the caller of an inbound call whom B does not answer.
    """

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
    a_way: str = ""
    b_way: str = ""
    a_ways: tuple[str, ...] = ()
    b_ways: tuple[str, ...] = ()
    confirm: bool = False
    urgent: bool = False
    relieved: bool = False

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
    ASK_A = "ask_a"
    ASK_B = "ask_b"
    BRIDGE = "bridge"
    END_LEASE = "end_lease"
    HANG_UP_A = "hang_up_a"
    HANG_UP_B = "hang_up_b"
    DESTROY_BRIDGE = "destroy_bridge"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; ``cause`` is the Q.850 cause of a hang-up, so that the phone shows the true reason.

    ``channel``: the leg's earlier channel, where it is not the present one that is meant.
    """

    do: Do
    cause: int | None = None
    channel: str = ""


Step = tuple[Connection, tuple[Action, ...]]
_LIVE = frozenset({Stage.CALLING, Stage.RINGING, Stage.EARLY, Stage.PRESENT, Stage.ASKED, Stage.UP})
_UNANSWERED = (Stage.CALLING, Stage.RINGING, Stage.EARLY)
_HERE = frozenset({Stage.UP, Stage.PRESENT})
"""Leg A can be joined: it is answered, or we may answer it."""


def begin(connection: Connection) -> Step:
    """Starts: rings the agent for a click-to-call; otherwise A is in our hands already and B is called."""
    if connection.kind is Kind.CLICK_TO_CALL:
        way, rest = _first(connection.a_ways)
        return replace(connection, a=Stage.CALLING, a_way=way, a_ways=rest), (Action(Do.CALL_A),)
    return call_b(replace(connection, a=Stage.PRESENT))


def _first(ways: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    return (ways[0], ways[1:]) if ways else ("", ())


def call_b(connection: Connection) -> Step:
    """A is in our application: call B, and let a caller hear that we do."""
    actions = [Action(Do.CALL_B)]
    ringback = connection.kind is Kind.INBOUND
    if ringback:
        actions.insert(0, Action(Do.RING_A))
    way, rest = _first(connection.b_ways)
    return replace(connection, b=Stage.CALLING, ringback=ringback, b_way=way, b_ways=rest), tuple(actions)


def _another_way(connection: Connection, channel: str) -> Step:
    """The leg of this channel anew, by the first way that it has not tried; nothing when it has none left."""
    if channel == connection.a_id and connection.a_ways:
        way, rest = _first(connection.a_ways)
        grown = replace(
            connection, a=Stage.CALLING, a_id=next_channel(connection.a_id), a_way=way, a_ways=rest
        )
        return grown, (Action(Do.CALL_A),)
    if channel == connection.b_id and connection.b_ways:
        way, rest = _first(connection.b_ways)
        grown = replace(
            connection,
            b=Stage.CALLING,
            b_id=next_channel(connection.b_id),
            b_way=way,
            b_ways=rest,
            bridged=False,
        )
        apart = (Action(Do.DESTROY_BRIDGE),) if connection.bridged else ()
        return grown, (*apart, Action(Do.CALL_B))
    return connection, ()


def may_try_again(connection: Connection, channel: str) -> bool:
    """Whether this channel's leg, of which nothing has been heard yet, has a way that it has not tried."""
    if connection.ending:
        return False
    if channel == connection.a_id:
        return connection.a is Stage.CALLING and bool(connection.a_ways)
    unanswered = _UNANSWERED if connection.urgent else (Stage.CALLING,)
    return channel == connection.b_id and connection.b in unanswered and bool(connection.b_ways)


def goes_on(connection: Connection, channel: str, cause: int | None, sip: int | None) -> bool:
    """Whether another way is tried when this channel ends so."""
    failed_way = way_failed(cause, sip) or (connection.urgent and channel == connection.b_id)
    return failed_way and may_try_again(connection, channel)


def way_lost(connection: Connection, trunk: str) -> Step:
    """A trunk was found dead while a leg that it should carry has not given a sign: the next way is tried at once."""
    for channel, way, hang_up_old in (
        (connection.a_id, connection.a_way, Do.HANG_UP_A),
        (connection.b_id, connection.b_way, Do.HANG_UP_B),
    ):
        if way == trunk and may_try_again(connection, channel):
            grown, actions = _another_way(connection, channel)
            return grown, (Action(hang_up_old, 16, channel), *actions)
    return connection, ()


def a_rings(connection: Connection) -> Step:
    """A rings: from now on its way has not failed."""
    if connection.a is not Stage.CALLING:
        return connection, ()
    return replace(connection, a=Stage.RINGING), ()


def a_up(connection: Connection) -> Step:
    """A entered our application answered (the agent picked up his phone for his click)."""
    if connection.ending or connection.a is Stage.GONE:
        return connection, (Action(Do.HANG_UP_A, 16),)
    if connection.confirm and connection.kind is Kind.CLICK_TO_CALL and connection.a is not Stage.UP:
        if connection.a is Stage.ASKED:
            return connection, ()
        return replace(connection, a=Stage.ASKED), (Action(Do.ASK_A),)
    return _a_is_here(connection)


def _a_is_here(connection: Connection) -> Step:
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
    if connection.b in (Stage.UP, Stage.ASKED):
        return connection, ()
    if connection.confirm and connection.kind is Kind.INBOUND:
        return replace(connection, b=Stage.ASKED), (Action(Do.ASK_B),)
    return _joined(replace(connection, b=Stage.UP))


def confirmed(connection: Connection) -> Step:
    """Who was asked pressed the key: a human is there."""
    if connection.ending:
        return connection, ()
    if connection.a is Stage.ASKED:
        return _a_is_here(connection)
    if connection.b is Stage.ASKED:
        return _joined(replace(connection, b=Stage.UP))
    return connection, ()


def unconfirmed(connection: Connection) -> Step:
    """Nobody pressed the key: what answered is let go, as if nobody had."""
    if connection.ending:
        return connection, ()
    if connection.a is Stage.ASKED:
        return replace(connection, ending=True), (Action(Do.HANG_UP_A, 16),)
    if connection.b is Stage.ASKED:
        return connection, (Action(Do.HANG_UP_B, 16),)
    return connection, ()


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


def gone(connection: Connection, channel: str, cause: int | None, sip: int | None = None) -> Step:
    """A channel ended: the next way is tried if its way was why, or else the other party is let go.

    The bridge goes with the last of them.
    """
    if goes_on(connection, channel, cause, sip):
        return _another_way(connection, channel)
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
            if connection.b is Stage.ASKED:
                told = 19
            actions.append(Action(Do.HANG_UP_A, told))
    else:
        return connection, ()
    if grown.over and connection.bridged:
        actions.append(Action(Do.DESTROY_BRIDGE))
    return grown, tuple(actions)


def relays(connection: Connection, channel: str) -> bool:
    """Whether the caller goes on to somebody else when this channel, which no other way is tried for, ends now.

    Only whom nobody has answered: A is still ours, unanswered, and nobody has asked to end the call.
    """
    return (
        connection.kind is Kind.INBOUND
        and connection.relieved
        and not connection.ending
        and connection.a is Stage.PRESENT
        and channel == connection.b_id
        and connection.b not in (Stage.UP, Stage.GONE)
    )


def failed(connection: Connection, leg: Do, *, way: bool = True) -> Step:
    """Asterisk refused to make a leg: nothing will come back about it, so it counts as gone.

    ``way``: because of the trunk (known to be down, or unknown), so that another may be tried.
    """
    channel = connection.a_id if leg is Do.CALL_A else connection.b_id
    if way and may_try_again(connection, channel):
        return _another_way(connection, channel)
    return gone(replace(connection, a_ways=(), b_ways=()), channel, 20)


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
        if connection.b is Stage.UP and connection.a in _HERE and not connection.bridged:
            asked = connection.confirm and connection.kind is Kind.INBOUND
            return b_up(replace(connection, b=Stage.RINGING)) if asked else _joined(connection)
        if connection.b is Stage.CALLING and connection.a in _HERE:
            # Made, perhaps not dialled any more: a second dial of a dialled channel is refused and harmless.
            return b_entered(connection)
        return connection, ()
    if a_live and connection.a in _HERE and connection.b is Stage.ABSENT:
        if connection.confirm and connection.kind is Kind.CLICK_TO_CALL:
            # Nobody knows whether the key was pressed: it is asked for again.
            return a_up(replace(connection, a=Stage.RINGING))
        return call_b(connection)
    if connection.a in (Stage.CALLING, Stage.RINGING):
        return connection, ()
    return hang_up(connection)
