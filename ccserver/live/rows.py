"""The owner's machines as rows of the live topics: the one place where a row is made."""

import msgspec

from ccserver.domain.agent import Agent
from ccserver.domain.board import AgentRow, CallRow
from ccserver.domain.call import Call
from ccserver.domain.directory import Directory
from ccserver.domain.stream import DELETED

_ENCODER = msgspec.json.Encoder()


def encoded(row: msgspec.Struct | None) -> msgspec.Raw:
    """A row as it travels; None: it is gone."""
    return DELETED if row is None else msgspec.Raw(_ENCODER.encode(row))


def call_row(call: Call, directory: Directory, now: float) -> CallRow:
    """A call in progress, or just ended."""
    agent = directory.agent(call.agent_id) if call.agent_id else None
    site = directory.site(call.site_id) if call.site_id else None
    return CallRow(
        id=call.id,
        direction=call.direction,
        state=call.state,
        number=call.number,
        our_number=call.our_number,
        agent_id=call.agent_id,
        agent=agent.name if agent else "",
        site_id=call.site_id,
        site=site.name if site else "",
        trunk=call.trunk,
        started_at=call.started_at,
        ringing_at=call.ringing_at,
        answered_at=call.answered_at,
        held_since=call.held_since,
        ended_at=call.ended_at,
        talk_seconds=call.talk_seconds,
        hold_seconds=call.hold_seconds,
        outcome=call.outcome if call.ended_at is not None else "",
        ended_by=call.ended_by,
        cause=call.cause,
        sip=call.sip,
        end_estimated=call.end_estimated,
        as_of=now,
        party=_party(call, directory),
    )


def _party(call: Call, directory: Directory) -> str:
    """Who has a call that no agent has: "Reception (2100)", or a number."""
    leg = call.last_leg("agent") if call.agent_id is None else None
    number = leg.number if leg is not None else ""
    phone = directory.phone_by_extension(number)
    return f"{phone.label} ({number})" if phone is not None and phone.label else number


def agent_row(agent: Agent, directory: Directory, now: float) -> AgentRow | None:
    """An agent, None if the directory no longer has him."""
    listed = directory.agent(agent.user_id)
    if listed is None or not listed.active:
        return None
    site = directory.site(listed.site_id) if listed.site_id else None
    return AgentRow(
        id=agent.user_id,
        name=listed.name,
        login=listed.login,
        site_id=listed.site_id,
        site=site.name if site else "",
        extension=listed.extension,
        state=agent.state,
        since=agent.since,
        reason=agent.reason,
        phone=agent.phone,
        phone_since=agent.phone_since,
        call_id=agent.call_id,
        as_of=now,
    )
