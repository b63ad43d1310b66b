"""AMI's spelling to facts."""

import contextlib

import pytest
from ccserver.domain.cel import cel_facts
from ccserver.domain.dialling import clean_number, for_gateway
from ccserver.domain.normalise import listed_endpoint, listed_facts, normalise
from ccserver.domain.telephony import (
    ChannelCreated,
    ChannelGone,
    ChannelRinging,
    ChannelUp,
    EndpointChanged,
    Fact,
    HangupRequested,
    HoldChanged,
    endpoint_of,
)
from hypothesis import given
from hypothesis import strategies as st

CHANNEL = {
    "Event": "Newchannel",
    "Timestamp": "1790000000.123456",
    "Channel": "PJSIP/trunk-paris-0000001a",
    "ChannelState": "4",
    "CallerIDNum": "0612345678",
    "ConnectedLineNum": "<unknown>",
    "Context": "from-trunk-paris",
    "Exten": "0162000010",
    "Uniqueid": "1790000000.4",
    "Linkedid": "1790000000.4",
}
CREATED = ChannelCreated(
    at=1790000000.123456,
    uniqueid="1790000000.4",
    linkedid="1790000000.4",
    channel="PJSIP/trunk-paris-0000001a",
    endpoint="trunk-paris",
    context="from-trunk-paris",
    exten="0162000010",
    caller="0612345678",
)


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (CHANNEL, CREATED),
        ({"Event": "Newstate", "ChannelState": "5", "Uniqueid": "u"}, ChannelRinging(at=7, uniqueid="u")),
        ({"Event": "Newstate", "ChannelState": "6", "Uniqueid": "u"}, ChannelUp(at=7, uniqueid="u")),
        ({"Event": "Newstate", "ChannelState": "4", "Uniqueid": "u"}, None),
        (
            {"Event": "DialState", "DialStatus": "PROGRESS", "DestUniqueid": "d"},
            ChannelRinging(at=7, uniqueid="d", early=True),
        ),
        ({"Event": "DialState", "DialStatus": "PROCEEDING", "DestUniqueid": "d"}, None),
        ({"Event": "Hold", "Uniqueid": "u"}, HoldChanged(at=7, uniqueid="u", held=True)),
        ({"Event": "Unhold", "Uniqueid": "u"}, HoldChanged(at=7, uniqueid="u", held=False)),
        (
            {"Event": "HangupRequest", "Uniqueid": "u", "Cause": "16"},
            HangupRequested(at=7, uniqueid="u", cause=16),
        ),
        (
            {"Event": "Hangup", "Uniqueid": "u", "Cause": "17", "TechCause": "486"},
            ChannelGone(at=7, uniqueid="u", cause=17, sip=486),
        ),
        (
            {"Event": "Hangup", "Uniqueid": "u", "Cause": "0", "TechCause": ""},
            ChannelGone(at=7, uniqueid="u", cause=None, sip=None),
        ),
        (
            {"Event": "ContactStatus", "ContactStatus": "Removed", "EndpointName": "1001"},
            EndpointChanged(at=7, endpoint="1001", status="unregistered", source="contact"),
        ),
        (
            {"Event": "DeviceStateChange", "Device": "PJSIP/1001", "State": "INUSE"},
            EndpointChanged(at=7, endpoint="1001", status="registered", source="device"),
        ),
        ({"Event": "DeviceStateChange", "Device": "Queue:x", "State": "INUSE"}, None),
        ({"Event": "VarSet", "Uniqueid": "u"}, None),
        ({}, None),
    ],
)
def test_one_event_is_one_fact_or_none(event: dict[str, str], fact: Fact | None) -> None:
    assert normalise(event, 7) == fact


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "Event",
                "Timestamp",
                "Channel",
                "Uniqueid",
                "Linkedid",
                "ChannelState",
                "Cause",
                "TechCause",
                "Device",
                "State",
                "ContactStatus",
                "EndpointName",
                "DialStatus",
                "DestUniqueid",
            ]
        ),
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                ["Newchannel", "Newstate", "Hangup", "ContactStatus", "DeviceStateChange", "6", "<unknown>"]
            ),
        ),
    )
)
def test_garbage_never_raises(event: dict[str, str]) -> None:
    normalise(event, 1.0)
    listed_facts(event, 1.0)
    listed_endpoint(event, 1.0)


def test_endpoints_are_read_from_channel_names() -> None:
    assert endpoint_of("PJSIP/trunk-paris-0000001a") == "trunk-paris"
    assert endpoint_of("PJSIP/1001-00000001") == "1001"
    assert endpoint_of("Local/1@x-00000001;1") == ""


def test_a_listed_channel_tells_when_it_began() -> None:
    facts = listed_facts(
        {**CHANNEL, "Event": "CoreShowChannel", "ChannelState": "6", "Duration": "00:01:05"}, 1000.0
    )
    created, up = facts
    assert isinstance(created, ChannelCreated) and isinstance(up, ChannelUp)


def test_cel_rows_are_facts_and_cut_rows_are_passed_over() -> None:
    lines = [
        '"CHAN_START","100.5","l","u","PJSIP/1001-01","1001","0145000001","from-agents-paris","","","",""',
        '"ANSWER","101.25","l","u","PJSIP/1001-01","1001","","","","","",""',
        '"BRIDGE_ENTER","101.3","l","u","PJSIP/1001-01","","","","","","",""',
        '"HANGUP","109.75","l","u","PJSIP/1001-01","","","","","","","{""hangupcause"":16,""hangupsource"":""x""}"',
        '"CHAN_START","110.0","l2","u2","PJSIP/10',
    ]
    created, up, gone = cel_facts(lines, after=100.0)
    assert isinstance(created, ChannelCreated) and (created.endpoint, created.exten) == ("1001", "0145000001")
    assert up == ChannelUp(at=101.25, uniqueid="u")
    assert gone == ChannelGone(at=109.75, uniqueid="u", cause=16, sip=None)
    assert list(cel_facts(lines, after=105.0)) == [gone]


@pytest.mark.parametrize(
    ("number", "dialled"),
    [("+33145000001", "0145000001"), ("+442079460000", "00442079460000"), ("15", "15"), ("3639", "3639")],
)
def test_a_gateway_in_france_dials(number: str, dialled: str) -> None:
    assert for_gateway(number, "FR") == dialled


@given(st.text(max_size=20))
def test_nothing_but_digits_ever_reaches_a_dial_string(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert for_gateway(text, "FR").isdecimal()
    assert set(clean_number(text, "FR")) <= set("+0123456789*#")
