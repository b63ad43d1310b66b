"""Facts, as Asterisk (or we ourselves) said them, cleaned once. No conclusion is drawn here.

Instants are epoch seconds from Asterisk's own clock (AMI ``Timestamp``, CEL ``eventtime``: microseconds).
A channel is its ``uniqueid``; ``linkedid`` is the uniqueid of the oldest channel of the same call and may
change when bridges join.
"""

from uuid import UUID

import msgspec


class ChannelCreated(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A channel exists. ``endpoint`` is the PJSIP endpoint in its name, "" for other technologies."""

    at: float
    uniqueid: str
    linkedid: str
    channel: str
    endpoint: str
    context: str
    exten: str
    caller: str


class ChannelRinging(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The far end of this channel rings (180), or plays something of its own (183, ``early``)."""

    at: float
    uniqueid: str
    early: bool = False


class ChannelUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The channel is answered."""

    at: float
    uniqueid: str


class HoldChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The party of this channel put the other on hold, or took it back."""

    at: float
    uniqueid: str
    held: bool


class HangupRequested(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The party of this channel hung up (the first of a call's requests tells who ended it)."""

    at: float
    uniqueid: str
    cause: int | None


class ChannelGone(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The channel has ended. ``cause`` is Q.850, ``sip`` the last status of this leg.

    ``estimated``: nobody saw the end; ``at`` is when the channel was found missing. ``goes_on``: the call does, by
    another way, though this was its last channel.
    """

    at: float
    uniqueid: str
    cause: int | None
    sip: int | None
    estimated: bool = False
    goes_on: bool = False


class EndpointChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A phone's or trunk's reachability. status: registered | unreachable | unregistered."""

    at: float
    endpoint: str
    status: str
    source: str


class RegistrationChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a registrar answered us, of the ``account`` with which a trunk logs in at ``server`` (host and port, as
    configured). status: registered | refused | unregistered."""

    at: float
    account: str
    server: str
    status: str


class EmergencyLost(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An emergency ``number`` that the phone ``extension`` dialled found no way out of its ``site`` (a slug)."""

    at: float
    site: str
    extension: str
    number: str


class CallPlaced(msgspec.Struct, frozen=True, kw_only=True):
    """We are about to ring an agent's phone for a click-to-call; no channel exists yet."""

    at: float
    call_id: UUID
    tenant_id: UUID
    agent_id: UUID
    number: str
    number_raw: str
    our_number: str
    site_id: UUID
    trunk: str
    party: str = ""


class HangupAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asked us to end the call. ``by``: agent | supervisor | server."""

    at: float
    call_id: UUID
    by: str


class CallRouted(msgspec.Struct, frozen=True, kw_only=True):
    """We decided where a call goes. ``target``: agent | mobile | phone | number | voicemail | none |
    refused.

    ``to`` is its extension or number, ``opened`` whether the called number's hours were open, ``number`` that number,
    ``relays`` how many have not answered before.
    ``outcome``: how the call ends when nobody answers it, "" where its legs tell.
    """

    at: float
    call_id: UUID
    target: str
    to: str = ""
    opened: bool = True
    outcome: str = ""
    number: str = ""
    relays: int = 0


class WayFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A leg could not be made by this trunk (slug); the next one is tried. No cause: Asterisk refused at once."""

    at: float
    call_id: UUID
    trunk: str
    cause: int | None = None
    sip: int | None = None


class CallFailed(msgspec.Struct, frozen=True, kw_only=True):
    """Asterisk refused to make a leg at all (no channel came to be): the call ends with this outcome."""

    at: float
    call_id: UUID
    outcome: str


Fact = (
    ChannelCreated
    | ChannelRinging
    | ChannelUp
    | HoldChanged
    | HangupRequested
    | ChannelGone
    | EndpointChanged
    | RegistrationChanged
    | EmergencyLost
    | CallPlaced
    | CallRouted
    | WayFailed
    | HangupAsked
    | CallFailed
)


def endpoint_of(channel: str) -> str:
    """``PJSIP/trunk-paris-0000001a`` -> ``trunk-paris``; "" for anything that is not PJSIP."""
    if not channel.startswith("PJSIP/"):
        return ""
    return channel[6:].rpartition("-")[0]
