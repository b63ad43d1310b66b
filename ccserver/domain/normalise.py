"""AMI events to facts: pure, total, and the only place that knows AMI's spelling.

AMI says "<unknown>", "" and "0" where it means nothing, and repeats each fact in several events; the table at
the bottom names the one event that each fact is taken from.
"""

import re
from collections.abc import Callable, Mapping

from ccserver.domain.telephony import (
    ChannelCreated,
    ChannelGone,
    ChannelRinging,
    ChannelUp,
    EmergencyLost,
    EndpointChanged,
    Fact,
    HangupRequested,
    HoldChanged,
    RegistrationChanged,
    endpoint_of,
)

Headers = Mapping[str, str]


def text(value: str | None) -> str:
    """A cleaned header value: AMI's spellings of "nothing" become ""."""
    return "" if value is None or value in ("<unknown>", "<none>", "(null)") else value


def number_or_none(value: str | None) -> int | None:
    """A whole number, or None for what is missing, zero or not a number."""
    if not value or not value.isdecimal():
        return None
    return int(value) or None


def instant(event: Headers, received_at: float) -> float:
    """Asterisk's own instant of the event (``timestampevents=yes``), else when we received it."""
    raw = event.get("Timestamp")
    if raw is None:
        return received_at
    try:
        return float(raw)
    except ValueError:
        return received_at


def _new_channel(event: Headers, at: float) -> Fact | None:
    channel = event.get("Channel", "")
    uniqueid = event.get("Uniqueid", "")
    if not uniqueid or not channel:
        return None
    return ChannelCreated(
        at=at,
        uniqueid=uniqueid,
        linkedid=event.get("Linkedid") or uniqueid,
        channel=channel,
        endpoint=endpoint_of(channel),
        context=text(event.get("Context")),
        exten=text(event.get("Exten")),
        caller=text(event.get("CallerIDNum")),
    )


def _new_state(event: Headers, at: float) -> Fact | None:
    state = event.get("ChannelState")
    if state == "6":
        return ChannelUp(at=at, uniqueid=event.get("Uniqueid", ""))
    # 5 Ringing: a leg that we dial rings. 4 Ring: an inbound channel arrived, which says nothing new.
    if state == "5":
        return ChannelRinging(at=at, uniqueid=event.get("Uniqueid", ""))
    return None


def _dial_state(event: Headers, at: float) -> Fact | None:
    # Early media (183) never makes the state Ringing: DialState PROGRESS is its only sign.
    status = event.get("DialStatus")
    if status not in ("RINGING", "PROGRESS"):
        return None
    return ChannelRinging(at=at, uniqueid=event.get("DestUniqueid", ""), early=status == "PROGRESS")


def _hold(event: Headers, at: float) -> Fact | None:
    return HoldChanged(at=at, uniqueid=event.get("Uniqueid", ""), held=True)


def _unhold(event: Headers, at: float) -> Fact | None:
    return HoldChanged(at=at, uniqueid=event.get("Uniqueid", ""), held=False)


def _hangup_request(event: Headers, at: float) -> Fact | None:
    return HangupRequested(
        at=at, uniqueid=event.get("Uniqueid", ""), cause=number_or_none(event.get("Cause"))
    )


def sip_status(event: Headers) -> int | None:
    """The SIP status in ``TechCause`` ("SIP 486", "486", or absent before Asterisk 22)."""
    raw = event.get("TechCause")
    if not raw:
        return None
    digits = raw.rpartition(" ")[2]
    status = number_or_none(digits)
    return status if status is not None and 100 <= status <= 699 else None


def _hangup(event: Headers, at: float) -> Fact | None:
    return ChannelGone(
        at=at,
        uniqueid=event.get("Uniqueid", ""),
        cause=number_or_none(event.get("Cause")),
        sip=sip_status(event),
    )


_CONTACT_STATUS = {
    "Reachable": "registered",
    "NonQualified": "registered",
    "Created": "registered",
    "Unreachable": "unreachable",
    "Removed": "unregistered",
}


def _contact_status(event: Headers, at: float) -> Fact | None:
    status = _CONTACT_STATUS.get(event.get("ContactStatus", ""))
    endpoint = text(event.get("EndpointName")) or text(event.get("AOR"))
    if status is None or not endpoint:
        return None
    return EndpointChanged(at=at, endpoint=endpoint, status=status, source="contact")


_DEVICE_STATUS = {"UNAVAILABLE": "unregistered", "INVALID": "unregistered", "UNKNOWN": ""}


def _device_state(event: Headers, at: float) -> Fact | None:
    device = event.get("Device", "")
    if not device.startswith("PJSIP/"):
        return None
    status = _DEVICE_STATUS.get(event.get("State", ""), "registered")
    if not status:
        return None
    return EndpointChanged(at=at, endpoint=device[6:], status=status, source="device")


_REGISTRATION_STATUS = {"Registered": "registered", "Rejected": "refused", "Unregistered": "unregistered"}
_CLIENT = re.compile(r"sips?:([^@]+)@")
_SERVER = re.compile(r"sips?:([^;>]+)")


def _registration(client: str, server: str, status: str, at: float) -> Fact | None:
    account, host = _CLIENT.match(client), _SERVER.match(server)
    if account is None or host is None:
        return None
    known = _REGISTRATION_STATUS.get(status, "unregistered")
    return RegistrationChanged(at=at, account=account[1], server=host[1], status=known)


def _registry(event: Headers, at: float) -> Fact | None:
    return _registration(event.get("Username", ""), event.get("Domain", ""), event.get("Status", ""), at)


def _user_event(event: Headers, at: float) -> Fact | None:
    """What our dialplan tells (asterisk-config/_dialplan.j2)."""
    if event.get("UserEvent") != "EmergencyFailed":
        return None
    return EmergencyLost(
        at=at,
        site=text(event.get("Site")),
        extension=text(event.get("Extension")),
        number=text(event.get("Number")),
    )


_TABLE: dict[str, Callable[[Headers, float], Fact | None]] = {
    "Newchannel": _new_channel,
    "Newstate": _new_state,
    "DialState": _dial_state,
    "Hold": _hold,
    "Unhold": _unhold,
    "HangupRequest": _hangup_request,
    "Hangup": _hangup,
    "ContactStatus": _contact_status,
    "DeviceStateChange": _device_state,
    "Registry": _registry,
    "UserEvent": _user_event,
}
"""Which AMI event each fact is taken from; every other event is ignored on purpose."""


def normalise(event: Headers, received_at: float) -> Fact | None:
    """The fact in one AMI event, or None when it tells nothing that we keep. Never raises."""
    make = _TABLE.get(event.get("Event", ""))
    if make is None:
        return None
    return make(event, instant(event, received_at))


WANTED_EVENTS = frozenset(_TABLE)
"""The only AMI events worth parsing."""


def listed_facts(event: Headers, now: float) -> list[Fact]:
    """A ``CoreShowChannel`` list item as the facts that led to it, for a channel that we missed."""
    created = _new_channel(event, now - _clock_seconds(event.get("Duration", "")))
    if created is None:
        return []
    facts: list[Fact] = [created]
    state = _new_state(event, now)
    return facts if state is None else [*facts, state]


def _clock_seconds(text_duration: str) -> float:
    """``01:02:03`` -> 3723.0"""
    seconds = 0.0
    for part in text_duration.split(":"):
        seconds = seconds * 60 + (float(part) if part.isdecimal() else 0.0)
    return seconds


def listed_registration(event: Headers, now: float) -> Fact | None:
    """An ``OutboundRegistrationDetail`` item (PJSIPShowRegistrationsOutbound) as a fact."""
    return _registration(event.get("ClientUri", ""), event.get("ServerUri", ""), event.get("Status", ""), now)


def listed_endpoint(event: Headers, now: float) -> Fact | None:
    """An ``EndpointList`` item (PJSIPShowEndpoints) as a fact about its reachability."""
    endpoint = text(event.get("ObjectName"))
    state = event.get("DeviceState", "").upper().replace(" ", "_")
    status = _DEVICE_STATUS.get(state, "registered")
    if not endpoint or not status:
        return None
    return EndpointChanged(at=now, endpoint=endpoint, status=status, source="list")
