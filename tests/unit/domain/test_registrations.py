"""What AMI says of our registrations, as facts."""

import pytest
from ccserver.domain.normalise import WANTED_EVENTS, listed_registration, normalise
from ccserver.domain.telephony import RegistrationChanged


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Registered", "registered"),
        ("Rejected", "refused"),
        ("Unregistered", "unregistered"),
        ("Stopped", "unregistered"),
    ],
)
def test_an_event_and_a_list_tell_the_same(said: str, status: str) -> None:
    client, server = "sip:0033478670001@provider.example", "sip:10.0.0.7:5080;transport=tcp"
    event = {
        "Event": "Registry",
        "ChannelType": "PJSIP",
        "Username": client,
        "Domain": server,
        "Status": said,
    }
    item = {"ObjectName": "trunk-lyon", "ClientUri": client, "ServerUri": server, "Status": said}
    expected = RegistrationChanged(at=5.0, account="0033478670001", server="10.0.0.7:5080", status=status)
    assert normalise(event, 5.0) == listed_registration(item, 5.0) == expected
    assert "Registry" in WANTED_EVENTS


def test_what_is_no_registration_of_ours_is_no_fact() -> None:
    assert (
        normalise({"Event": "Registry", "ChannelType": "IAX2", "Username": "x", "Domain": "y"}, 5.0) is None
    )
    assert listed_registration({}, 5.0) is None
