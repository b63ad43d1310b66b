"""How an unanswered or answered call ended: the outcome that its legs add up to."""

import msgspec

from ccserver.domain.call import Call, Leg


class Verdict(msgspec.Struct, frozen=True):
    """How a call ended: outcome code, who or what ended it, and the telling cause and SIP status."""

    outcome: str
    ended_by: str
    cause: int | None
    sip: int | None


_BUSY_SIP = frozenset({486, 600})
_INVALID_SIP = frozenset({404, 410, 484, 604})
_REJECTED_SIP = frozenset({401, 403, 407, 603, 607, 608})
_NETWORK_SIP = frozenset({500, 501, 502, 503, 504, 505, 513})
# Q.850: 17 user busy; 18 no user responding, 19 no answer; 20 subscriber absent; 21 rejected; 1 unallocated,
# 22 number changed, 28 incomplete; 3 no route, 27 destination out of order, 34 38 41 42 44 47 58 network.
_NORMAL = 16
_BUSY = frozenset({17})
_INVALID = frozenset({1, 22, 28})
_REJECTED = frozenset({21})
_NO_ANSWER = frozenset({18, 19, 102})
_TRUNK = frozenset({3, 20, 27})
_NETWORK = frozenset({34, 38, 41, 42, 44, 47, 58})


def _failure(leg: Leg) -> str:
    """Why a leg that was dialled was never answered, in the vocabulary of outcomes for customers."""
    if leg.cause in _BUSY or leg.sip in _BUSY_SIP:
        return "busy"
    if leg.cause in _REJECTED or leg.sip in _REJECTED_SIP:
        return "rejected"
    if leg.cause in _INVALID or leg.sip in _INVALID_SIP:
        return "invalid_number"
    if leg.ringing_at is not None and (
        leg.cause in _NO_ANSWER or leg.cause is None or leg.sip in (408, 480, 487)
    ):
        return "no_answer"
    if leg.cause == _NORMAL:
        # It picked up, but nobody pressed the key: a mobile's voicemail.
        return "no_answer"
    if leg.cause in _NO_ANSWER and leg.sip is None:
        # Told by Asterisk's own record (CEL), which keeps neither the ringing nor the SIP status.
        return "no_answer"
    if leg.cause in _NETWORK or leg.sip in _NETWORK_SIP:
        return "failed"
    if leg.cause in _TRUNK:
        return "trunk_down"
    # 408 is Asterisk's own word for a trunk that does not reply; 480 is the network's, for who cannot be reached.
    return "trunk_down" if leg.sip in (408, None) else "failed"


_AGENT_FAILURE = {
    "busy": "agent_busy",
    "rejected": "agent_busy",
    "no_answer": "agent_no_answer",
    "invalid_number": "agent_unreachable",
    "trunk_down": "agent_unreachable",
    "failed": "agent_unreachable",
}


def _verdict(outcome: str, ended_by: str, telling: Leg | None) -> Verdict:
    return Verdict(outcome, ended_by, telling.cause if telling else None, telling.sip if telling else None)


def _left_first(agent: Leg | None, customer: Leg) -> bool:
    """Whether the agent had gone when the customer's leg ended: nobody may have seen who hung up."""
    if agent is None or agent.ended_at is None or customer.ended_at is None:
        return False
    return agent.ended_at < customer.ended_at


def conclude(call: Call) -> Verdict:
    """The outcome that the legs of an ended call add up to."""
    agent, customer = call.last_leg("agent"), call.last_leg("customer")
    if call.answered_at is not None:
        return _verdict("answered", "network", customer or agent)
    if call.direction == "inbound":
        by = call.ended_by or ("network" if agent is not None else "")
        return _verdict("missed", by, agent or customer)
    if customer is not None:
        if call.asked_by or call.ended_by == "agent" or _left_first(agent, customer):
            return _verdict("cancelled", "agent", customer)
        return _verdict(_failure(customer), "network", customer)
    if agent is None:
        return _verdict("interrupted", "server", None)
    if call.asked_by or call.ended_by or agent.answered_at is not None:
        return _verdict("cancelled", "agent", agent)
    return _verdict(_AGENT_FAILURE[_failure(agent)], "agent", agent)
