"""One call and its legs, as records. What changes them is in domain/callmachine.py.

A call begins with its first leg (or with our intention to ring an agent) and ends when no leg is left. It is
*answered* at the instant when an agent's leg and a customer's leg are both up; talk time runs from there to
the end of the first of the two, holds not counted.
"""

from typing import Literal
from uuid import UUID

import msgspec

from ccserver.domain.telephony import endpoint_of

Role = Literal["agent", "customer", "other"]
Direction = Literal["inbound", "outbound", "internal"]


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One party's channel in the call."""

    uniqueid: str
    role: Role
    channel: str
    agent_id: UUID | None
    number: str
    started_at: float
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    held_since: float | None = None
    hold_seconds: float = 0.0
    cause: int | None = None
    sip: int | None = None

    @property
    def alive(self) -> bool:
        """Whether the channel still exists."""
        return self.ended_at is None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a call's timeline; ``(call, at, kind, uniqueid)`` is its key, so replays are harmless.

    kind: placed | routed | leg_created | ringing | answered | connected | hold | unhold | hangup_asked | leg_ended |
    way_failed | ended. ``routed``: ``role`` is its target, the detail's first word "closed" outside hours
    and "unanswered" for whom the one before did not answer.
    ``way_failed``: ``detail`` is the trunk.
    """

    at: float
    kind: str
    uniqueid: str = ""
    role: str = ""
    cause: int | None = None
    sip: int | None = None
    detail: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One customer interaction. ``number`` is the customer's, E.164 where it could be understood.

    ``trunk`` is the one that carried it. ``party``: what answers for our side when it is no agent's phone: the number
    that the caller is sent to, or an agent's mobile. ``relays``: how many the caller was sent on from, for they did not
    answer.
    """

    id: UUID
    tenant_id: UUID
    external_id: str
    direction: Direction
    number: str
    number_raw: str
    our_number: str
    site_id: UUID | None
    trunk: str
    agent_id: UUID | None
    started_at: float
    state: str
    party: str = ""
    legs: tuple[Leg, ...] = ()
    ringing_at: float | None = None
    answered_at: float | None = None
    held_since: float | None = None
    ended_at: float | None = None
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    outcome: str = ""
    ended_by: str = ""
    asked_by: str = ""
    cause: int | None = None
    sip: int | None = None
    end_estimated: bool = False
    revision: int = 0
    source: str = "asterisk"
    relays: int = 0

    def leg(self, uniqueid: str) -> Leg | None:
        """The leg of this channel, if it is one of ours."""
        for leg in self.legs:
            if leg.uniqueid == uniqueid:
                return leg
        return None

    def alive_leg(self, role: Role) -> Leg | None:
        """The newest living leg of a role."""
        for leg in reversed(self.legs):
            if leg.role == role and leg.alive:
                return leg
        return None

    def last_leg(self, role: Role) -> Leg | None:
        """The newest leg of a role, alive or not."""
        for leg in reversed(self.legs):
            if leg.role == role:
                return leg
        return None


def trunk_of(channel: str) -> str:
    """The trunk (slug) of a leg's channel, ``PJSIP/trunk-paris-0000001a`` -> ``paris``; "" for a phone's."""
    endpoint = endpoint_of(channel)
    return endpoint.removeprefix("trunk-") if endpoint.startswith("trunk-") else ""
