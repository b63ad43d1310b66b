"""How facts change a call. Pure: ``(call, fact) -> (call, timeline)``; stale facts change nothing."""

from msgspec.structs import replace

from ccserver.domain.call import Call, Leg, Moment, Role, trunk_of
from ccserver.domain.channels import our_role, relays_of
from ccserver.domain.outcome import conclude
from ccserver.domain.telephony import (
    CallFailed,
    CallRouted,
    ChannelGone,
    ChannelRinging,
    ChannelUp,
    HangupAsked,
    HangupRequested,
    HoldChanged,
    WayFailed,
)

Step = tuple[Call, tuple[Moment, ...]]
LegFact = ChannelRinging | ChannelUp | HoldChanged | HangupRequested | ChannelGone


def _with_leg(call: Call, leg: Leg, **changes: object) -> Call:
    legs = tuple(leg if old.uniqueid == leg.uniqueid else old for old in call.legs)
    return replace(call, legs=legs, revision=call.revision + 1, **changes)


def _progress(call: Call) -> str:
    """The state of a call that has not been answered, seen from its legs."""
    if call.ended_at is not None:
        return "ended"
    agent = call.alive_leg("agent")
    customer = call.alive_leg("customer")
    if call.answered_at is not None:
        return "on_hold" if call.held_since is not None else "talking"
    if call.direction == "inbound":
        if call.outcome == "voicemail":
            return "voicemail"
        return "ringing" if agent is not None else "dialing"
    if customer is None:
        return "dialing" if agent is not None and agent.answered_at is not None else "ringing_agent"
    return "ringing" if customer.ringing_at is not None else "dialing"


def _settled(call: Call, moments: tuple[Moment, ...]) -> Step:
    state = _progress(call)
    return (call if state == call.state else replace(call, state=state)), moments


def restored(call: Call) -> Call:
    """A call as the history has it, with the hold and the state that its legs make of it."""
    held = [leg.held_since for leg in call.legs if leg.alive and leg.held_since is not None]
    call = replace(call, held_since=min(held, default=None), party=_party(call))
    return replace(call, state=_progress(call), relays=max(map(_relays, call.legs), default=0))


def _party(call: Call) -> str:
    """The number outside that answers for our side: that of the last of our legs, "" when it is a phone of ours."""
    ours = [leg for leg in call.legs if leg.role == "agent"]
    if not ours:
        return call.party
    return ours[-1].number if trunk_of(ours[-1].channel) else ""


def _relays(leg: Leg) -> int:
    return relays_of(leg.uniqueid) or 0


def add_leg(call: Call, leg: Leg) -> Step:
    """The call with one more channel; a channel that is known already changes nothing."""
    if call.leg(leg.uniqueid) is not None:
        return call, ()
    agent_id = leg.agent_id if leg.role == "agent" and leg.agent_id is not None else call.agent_id
    carrier = trunk_of(leg.channel) if call.direction == "outbound" and leg.role == "customer" else ""
    grown = replace(
        call,
        legs=(*call.legs, leg),
        agent_id=agent_id,
        trunk=carrier or call.trunk,
        relays=max(call.relays, _relays(leg)),
        revision=call.revision + 1,
    )
    moment = Moment(
        at=leg.started_at, kind="leg_created", uniqueid=leg.uniqueid, role=leg.role, detail=leg.channel
    )
    return _settled(grown, (moment,))


def _rings(call: Call, leg: Leg, at: float) -> Step:
    if leg.ringing_at is not None or leg.answered_at is not None or not leg.alive:
        return call, ()
    called: Role = "agent" if call.direction == "inbound" else "customer"
    first = call.ringing_at is None and leg.role == called
    grown = _with_leg(call, replace(leg, ringing_at=at), ringing_at=at if first else call.ringing_at)
    return _settled(grown, (Moment(at=at, kind="ringing", uniqueid=leg.uniqueid, role=leg.role),))


def _answers(call: Call, leg: Leg, at: float) -> Step:
    if leg.answered_at is not None or (leg.ended_at is not None and leg.ended_at < at):
        return call, ()
    grown = _with_leg(call, replace(leg, answered_at=at))
    moments: tuple[Moment, ...] = (Moment(at=at, kind="answered", uniqueid=leg.uniqueid, role=leg.role),)
    if grown.answered_at is None and _both_up(grown):
        grown = replace(grown, answered_at=at)
        moments += (Moment(at=at, kind="connected", uniqueid=leg.uniqueid, role=leg.role),)
    return _settled(grown, moments)


def _both_up(call: Call) -> bool:
    up = {leg.role for leg in call.legs if leg.alive and leg.answered_at is not None}
    return "agent" in up and "customer" in up


def _holds(call: Call, leg: Leg, at: float, held: bool) -> Step:
    if not leg.alive or held == (leg.held_since is not None):
        return call, ()
    changed = replace(leg, held_since=at) if held else _unheld(leg, at)
    grown = _with_leg(call, changed)
    anybody = any(other.held_since is not None for other in grown.legs)
    if anybody and call.held_since is None:
        grown = replace(grown, held_since=at)
    elif not anybody and call.held_since is not None:
        grown = replace(
            grown, held_since=None, hold_seconds=call.hold_seconds + max(0.0, at - call.held_since)
        )
    kind = "hold" if held else "unhold"
    return _settled(grown, (Moment(at=at, kind=kind, uniqueid=leg.uniqueid, role=leg.role),))


def _unheld(leg: Leg, at: float) -> Leg:
    if leg.held_since is None:
        return leg
    return replace(leg, held_since=None, hold_seconds=leg.hold_seconds + max(0.0, at - leg.held_since))


def _asks(call: Call, leg: Leg) -> Step:
    # The first request tells who ended it; what follows our own hang-up or a failing dial tells nothing.
    if call.ended_by or call.asked_by or not leg.alive or leg.role == "other":
        return call, ()
    if leg.answered_at is None and not _is_origin(call, leg):
        return call, ()
    return replace(call, ended_by=leg.role, revision=call.revision + 1), ()


def _is_origin(call: Call, leg: Leg) -> bool:
    """Whether this leg's party placed the call by itself (a caller who gives up before the answer).

    A leg that we rang is named by us: its request to hang up is only the refusal of a dial.
    """
    return bool(call.legs) and call.legs[0].uniqueid == leg.uniqueid and not leg.uniqueid.startswith("cc-")


def _leaves(call: Call, leg: Leg, fact: ChannelGone) -> Step:
    if not leg.alive:
        return call, ()
    at = max(fact.at, leg.started_at)
    gone = replace(_unheld(leg, at), ended_at=at, cause=fact.cause, sip=fact.sip)
    grown = _close_talk(_with_leg(call, gone), gone, at)
    moments: tuple[Moment, ...] = (
        Moment(at=at, kind="leg_ended", uniqueid=leg.uniqueid, role=leg.role, cause=fact.cause, sip=fact.sip),
    )
    if not any(other.alive for other in grown.legs) and not fact.goes_on:
        grown, ending = finish(grown, at, estimated=fact.estimated)
        moments += ending
    return _settled(grown, moments)


def _close_talk(call: Call, leg: Leg, at: float) -> Call:
    """Talk ends with the first of the two parties that leaves."""
    if call.answered_at is None or leg.answered_at is None or leg.role == "other" or call.talk_seconds:
        return call
    hold = call.hold_seconds + (max(0.0, at - call.held_since) if call.held_since is not None else 0.0)
    talk = max(0.0, at - call.answered_at - hold)
    return replace(call, talk_seconds=talk, hold_seconds=hold, held_since=None)


def finish(call: Call, at: float, *, estimated: bool, outcome: str = "") -> Step:
    """The call ended at ``at``; its outcome is drawn from its legs unless given."""
    if call.ended_at is not None:
        return call, ()
    verdict = conclude(call)
    ended = replace(
        call,
        ended_at=max(at, call.started_at),
        outcome=outcome or call.outcome or _outcome(call, verdict.outcome, estimated),
        ended_by=call.ended_by or call.asked_by or verdict.ended_by,
        cause=verdict.cause,
        sip=verdict.sip,
        end_estimated=estimated,
        held_since=None,
        state="ended",
        revision=call.revision + 1,
    )
    moment = Moment(
        at=ended.ended_at or at, kind="ended", cause=ended.cause, sip=ended.sip, detail=ended.outcome
    )
    return ended, (moment,)


def _outcome(call: Call, concluded: str, estimated: bool) -> str:
    # Nobody saw the end: of an unanswered call all that can honestly be said is that it was cut.
    return "interrupted" if estimated and call.answered_at is None else concluded


def apply_leg_fact(call: Call, fact: LegFact) -> Step:
    """The call after a fact about one of its channels. Facts that say nothing new change nothing."""
    leg = call.leg(fact.uniqueid)
    if leg is None:
        return call, ()
    match fact:
        case ChannelRinging():
            return _rings(call, leg, fact.at)
        case ChannelUp():
            return _answers(call, leg, fact.at)
        case HoldChanged():
            return _holds(call, leg, fact.at, fact.held)
        case HangupRequested():
            return _asks(call, leg)
        case ChannelGone():
            return _leaves(call, leg, fact)


def apply_asked(call: Call, fact: HangupAsked) -> Step:
    """Somebody asked us to end the call: it will be his doing."""
    if call.ended_at is not None or call.asked_by or call.ended_by:
        return call, ()
    asked = replace(call, asked_by=fact.by, revision=call.revision + 1)
    return asked, (Moment(at=fact.at, kind="hangup_asked", role=fact.by),)


def apply_routed(call: Call, fact: CallRouted) -> Step:
    """Where the call goes was decided. A decision taken again after a restart changes nothing."""
    if call.ended_at is not None or (fact.outcome and call.outcome == fact.outcome):
        return call, ()
    outside, relayed = fact.target in ("number", "mobile"), fact.relays > call.relays
    routed = replace(
        call,
        party=fact.to if outside else "" if relayed else call.party,
        relays=max(fact.relays, call.relays),
        our_number=fact.number or call.our_number,
        outcome=fact.outcome,
        revision=call.revision + 1,
    )
    words = ["unanswered"] if fact.relays else [] if fact.opened else ["closed"]
    moment = Moment(
        at=fact.at,
        kind="routed",
        # Both may be decided at one instant, when the first one's phone is not there.
        uniqueid=our_role(fact.relays) if fact.relays else "",
        role=fact.target,
        detail=" ".join([*words, fact.to]).strip(),
    )
    return _settled(routed, (moment,))


def apply_way_failed(call: Call, fact: WayFailed) -> Step:
    """A trunk did not carry a leg: one line of the timeline."""
    if call.ended_at is not None:
        return call, ()
    moment = Moment(at=fact.at, kind="way_failed", cause=fact.cause, sip=fact.sip, detail=fact.trunk)
    return replace(call, revision=call.revision + 1), (moment,)


def apply_failed(call: Call, fact: CallFailed) -> Step:
    """Asterisk refused to make a leg. With another leg still there, that one's end will end the call."""
    if call.ended_at is not None or call.outcome:
        return call, ()
    if any(leg.alive for leg in call.legs):
        return replace(call, outcome=fact.outcome, revision=call.revision + 1), ()
    return finish(call, fact.at, estimated=False, outcome=fact.outcome)
