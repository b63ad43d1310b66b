"""Calls that leave without the server: in which form, by which trunk, and which do not leave at all."""

from collections.abc import Iterator

import pytest
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import CLOSED, ESTABLISHED

from tests.integration.asterisk.full.conftest import CarrierFactory
from tests.rig.asterisk import Central, kept_running, make_gateway, new_home
from tests.rig.fixtures import PhoneFactory

pytestmark = pytest.mark.asterisk


@pytest.fixture
def backup(asterisk_binary: AsteriskBinary, asterisk: Central) -> Iterator[GatewayProcess]:
    home = new_home()
    gateway = make_gateway(asterisk_binary, home, asterisk, "paris-backup")
    with kept_running(gateway, home):
        yield gateway


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("0145671230", "0145671230"),
        ("+33145671230", "0145671230"),
        ("0033145671230", "0145671230"),
        ("45671230", "0145671230"),
        ("3639", "3639"),
        ("112", "112"),
    ],
)
async def test_a_typed_number_is_sent_as_the_gateway_wants_it(
    carrier: CarrierFactory, phone: PhoneFactory, typed: str, sent: str
) -> None:
    # An emergency call goes on to the other trunk when the first is busy; all others do not.
    paris, _ = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial(typed)
    await paris.called()
    assert paris.dialled == [sent]


async def test_the_longest_route_decides_and_then_the_sites_own_trunks(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    lyon = await carrier("lyon", "503 Service Unavailable")
    paris, backup = await carrier("paris", "503 Service Unavailable"), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial("00442079460000")
    await backup.called()
    assert lyon.dialled == ["+442079460000"], "the route names this one, and it wants E.164"
    assert paris.dialled == ["00442079460000"], "then the site's first trunk, in national form"
    assert backup.dialled == ["9442079460000"], "then its second, with a prefix and bare digits"


async def test_a_number_that_the_site_may_not_call_does_not_leave(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    for number in ("+88213000000", "0088213000000"):
        since = agent.mark()
        await agent.dial(number)
        assert "403" in (await agent.event(CLOSED, since=since)).detail
    assert paris.dialled == backup.dialled == []


async def test_no_number_of_the_country_becomes_a_call_abroad(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    """+33 0 0442079... is allowed by its beginning, and 0 0442079... would be what the gateway reads as 00 44."""
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    agent = await phone("1001")
    since = agent.mark()
    await agent.dial("+330442079460000")
    assert "484" in (await agent.event(CLOSED, since=since)).detail
    assert paris.dialled == backup.dialled == []


@pytest.mark.parametrize("status", ["500 Server Error", "502 Bad Gateway", "503 Service Unavailable"])
async def test_the_backup_takes_over_when_the_first_trunk_fails(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial("0145671230")
    await backup.called()
    assert (paris.dialled, backup.dialled) == (["0145671230"], ["933145671230"])


async def test_the_backup_takes_over_when_the_first_trunk_is_down(
    asterisk: Central, backup: GatewayProcess, phone: PhoneFactory
) -> None:
    await asterisk.unreachable("trunk-paris")
    await asterisk.reachable("trunk-paris-backup")
    agent = await phone("1001")
    await agent.dial("0145671230")
    await agent.event(ESTABLISHED)
    assert "PJSIP/trunk-paris-backup-" in await asterisk.process.rx("core show channels concise")
    await agent.hang_up()


@pytest.mark.parametrize(
    "status", ["486 Busy Here", "404 Not Found", "603 Decline", "480 Temporarily Unavailable"]
)
async def test_what_the_called_party_says_is_not_tried_elsewhere(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    await agent.dial("0145671230")
    await agent.event(CLOSED)
    assert (paris.dialled, backup.dialled) == (["0145671230"], [])


async def test_an_agent_with_a_mobile_is_reached_at_it(carrier: CarrierFactory, phone: PhoneFactory) -> None:
    lyon = await carrier("lyon")
    agent = await phone("1001")
    await agent.dial("1009")
    await lyon.called()
    assert lyon.dialled == ["+33612345670"]
