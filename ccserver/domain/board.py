"""Rows of the live topics, as browsers get them. Instants are epoch seconds with fractions, UTC."""

from uuid import UUID

import msgspec


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One agent on the board (topic ``agents``, key = user id).

    state: offline | available | paused | ringing | dialing | on_call | on_hold | wrap_up.
    phone: registered | unreachable | unregistered | unknown | mobile (nobody can tell whether one is switched on).
    """

    id: UUID
    name: str
    login: str
    site_id: UUID | None
    site: str
    extension: str
    state: str
    since: float
    reason: str
    phone: str
    phone_since: float
    call_id: UUID | None
    as_of: float


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call in progress (topic ``calls``) or just ended (topic ``history``); key = call id.

    direction: outbound | inbound | internal.
    state: ringing_agent | dialing | ringing | talking | on_hold | voicemail | ended.
    outcome (when ended): answered | no_answer | busy | cancelled | missed | closed | voicemail | agent_no_answer |
    agent_unreachable | agent_busy | trunk_down | rejected | not_allowed | invalid_number | failed | interrupted.
    ``closed``: outside the number's hours, and nobody to go to. ``party``: who has it for our side when it is no
    agent: a physical phone's label and extension, or the number that the caller was sent to.
    ``cause`` is Q.850, ``sip`` the last SIP status of the failing leg; None when not known.
    """

    id: UUID
    direction: str
    state: str
    number: str
    our_number: str
    agent_id: UUID | None
    agent: str
    site_id: UUID | None
    site: str
    trunk: str
    started_at: float
    ringing_at: float | None
    answered_at: float | None
    held_since: float | None
    ended_at: float | None
    talk_seconds: float
    hold_seconds: float
    outcome: str
    ended_by: str
    cause: int | None
    sip: int | None
    end_estimated: bool
    as_of: float
    party: str = ""


class StationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A physical phone of a site (topic ``stations``, key = id of the phone).

    state: registered | unreachable | unregistered | unknown (Asterisk has not spoken of it: not applied
    yet, or not seen).
    """

    id: UUID
    extension: str
    site_id: UUID
    state: str
    since: float
    as_of: float


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """Health of one part (topic ``links``; key = ami | ari | postgresql | bus | journal | trunk:<slug> |
    site:<slug>: down when every one of its trunks is).

    ``lag`` in seconds: age of the oldest thing waiting there. ``drift``: corrections made by the last resync.
    """

    id: str
    up: bool
    since: float
    detail: str
    lag: float
    drift: int
    as_of: float
