"""An agent's time: one state at each instant, a list of intervals that cannot overlap. Pure.

What the agent says (logged in, available, paused) and what his call does are two inputs; the state shown
is one.
"""

from uuid import UUID

import msgspec
from msgspec.structs import replace

from ccserver.domain.call import Call, Leg
from ccserver.domain.channels import relays_of

STATES = ("offline", "available", "paused", "ringing", "dialing", "on_call", "on_hold", "wrap_up")
CHOICES = ("available", "paused")
"""States that an agent or a supervisor may ask for."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of an agent's time; ``until`` None while it lasts."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    state: str
    reason: str
    call_id: UUID | None
    begun_at: float
    until: float | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent as the owner knows him. ``since`` is when ``state`` began; offline time is not accounted."""

    user_id: UUID
    tenant_id: UUID
    state: str = "offline"
    reason: str = ""
    since: float = 0.0
    chosen: str = "offline"
    chosen_reason: str = ""
    session_id: UUID | None = None
    call_id: UUID | None = None
    phone: str = "unknown"
    phone_since: float = 0.0
    interval: Interval | None = None


class AgentStep(msgspec.Struct, frozen=True):
    """The agent after an input, and the intervals that it closed or opened (in order)."""

    agent: Agent
    intervals: tuple[Interval, ...] = ()


def call_state(call: Call, user_id: UUID) -> str:
    """What a call in progress makes of the state of an agent in it; "" when it does not hold him (any more)."""
    if call.ended_at is not None:
        return ""
    leg = next((leg for leg in reversed(call.legs) if leg.alive and leg.agent_id == user_id), None)
    if leg is None:
        # A call holds its agent from the instant it is his, before his leg is made; one that left him does not.
        rung = any(_rang_for(leg, call, user_id) for leg in call.legs) or call.outcome == "voicemail"
        return "ringing" if call.agent_id == user_id and not rung else ""
    if call.answered_at is not None:
        return "on_hold" if call.held_since is not None else "on_call"
    # Who placed the call waits for an answer: at once if he dialled on his keypad, else from his own answer on. Who is
    # called rings until both are connected, though his telephone answers a few milliseconds before.
    placed = leg.uniqueid == call.legs[0].uniqueid
    by_keypad = not leg.uniqueid.startswith("cc-")
    return "dialing" if placed and (by_keypad or leg.answered_at is not None) else "ringing"


def _rang_for(leg: Leg, call: Call, user_id: UUID) -> bool:
    """Whether this leg was made for this agent; one of nobody's is his if it is of the party that has its turn."""
    if leg.role != "agent":
        return False
    nobodys = leg.agent_id is None and relays_of(leg.uniqueid) in (None, call.relays)
    return leg.agent_id == user_id or nobodys


def _shown(agent: Agent, call: Call | None) -> tuple[str, str, UUID | None]:
    if call is not None:
        state = call_state(call, agent.user_id)
        if state:
            return state, "", call.id
    return agent.chosen, agent.chosen_reason, None


def shows(agent: Agent, call: Call | None) -> bool:
    """Whether the agent's state is already what his choice and this call make of it."""
    return _shown(agent, call) == (agent.state, agent.reason, agent.call_id)


def settle(agent: Agent, call: Call | None, now: float, interval_id: UUID) -> AgentStep:
    """The agent with the state that his choice and his call make, his intervals turned over if it changed.

    ``interval_id`` names the interval that begins, if one does. An instant before the current interval's
    beginning (two clocks) counts as that beginning, so that intervals never overlap nor run backwards.
    """
    state, reason, call_id = _shown(agent, call)
    if (state, reason, call_id) == (agent.state, agent.reason, agent.call_id):
        return AgentStep(agent)
    at = max(now, agent.since)
    closed = () if agent.interval is None else (replace(agent.interval, until=at),)
    opened = None
    if state != "offline":
        opened = Interval(
            id=interval_id,
            tenant_id=agent.tenant_id,
            user_id=agent.user_id,
            state=state,
            reason=reason,
            call_id=call_id,
            begun_at=at,
        )
    changed = replace(agent, state=state, reason=reason, call_id=call_id, since=at, interval=opened)
    return AgentStep(changed, closed if opened is None else (*closed, opened))


def choose(agent: Agent, state: str, reason: str, session_id: UUID | None) -> Agent:
    """The agent's own choice: logged out (offline), available, or paused with a reason."""
    return replace(
        agent, chosen=state, chosen_reason=reason if state == "paused" else "", session_id=session_id
    )


def phone_changed(agent: Agent, status: str, source: str, at: float) -> Agent:
    """The phone's reachability; a device merely unavailable does not hide *why* (contact unreachable)."""
    if status == agent.phone or (
        source == "device" and status == "unregistered" and agent.phone == "unreachable"
    ):
        return agent
    return replace(agent, phone=status, phone_since=at)
