"""Which answers of a trunk send a call to the next one while no server runs: those of the server's own table."""

import pytest
from ccserver.domain.way import way_failed
from ccserver.stack.softphone import CLOSED

from tests.integration.asterisk.full.conftest import CarrierFactory
from tests.rig.asterisk import Central
from tests.rig.fixtures import PhoneFactory
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk

ELSEWHERE = (
    "400 Bad Request",
    "401 Unauthorized",
    "402 Payment Required",
    "403 Forbidden",
    "407 Proxy Authentication Required",
    "408 Request Timeout",
    "415 Unsupported Media Type",
    "488 Not Acceptable Here",
    "500 Server Error",
    "503 Service Unavailable",
    "504 Server Time-out",
)
THE_END = (
    "404 Not Found",
    "410 Gone",
    "480 Temporarily Unavailable",
    "482 Loop Detected",
    "484 Address Incomplete",
    "486 Busy Here",
    "600 Busy Everywhere",
    "603 Decline",
    "606 Not Acceptable",
)


@pytest.mark.parametrize("status", ELSEWHERE)
async def test_what_speaks_of_the_trunk_is_tried_by_the_next(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    assert way_failed(None, int(status[:3]))
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    since = agent.mark()
    await agent.dial("0145671230")
    assert "486" in (await agent.event(CLOSED, since=since)).detail, "the second one's answer"
    assert (paris.dialled, backup.dialled) == (["0145671230"], ["933145671230"])


@pytest.mark.parametrize("status", THE_END)
async def test_what_speaks_of_the_number_is_the_answer(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    assert not way_failed(None, int(status[:3]))
    paris, backup = await carrier("paris", status), await carrier("paris-backup")
    agent = await phone("1001")
    since = agent.mark()
    await agent.dial("0145671230")
    await agent.event(CLOSED, since=since)
    assert (paris.dialled, backup.dialled) == (["0145671230"], [])


@pytest.mark.parametrize("heard", ["180 Ringing", "183 Session Progress"])
async def test_who_was_heard_is_not_rung_a_second_time(
    carrier: CarrierFactory, phone: PhoneFactory, heard: str
) -> None:
    paris = await carrier("paris", "503 Service Unavailable", first=heard)
    backup = await carrier("paris-backup")
    agent = await phone("1001")
    since = agent.mark()
    await agent.dial("0145671230")
    await agent.event(CLOSED, since=since)
    assert (paris.dialled, backup.dialled) == (["0145671230"], [])


async def test_a_trunk_that_only_says_trying_until_the_time_is_over_is_followed_by_none(
    asterisk: Central, carrier: CarrierFactory
) -> None:
    """It has the call, and may be ringing somebody: the server goes on after a refusal only, and so does the net."""
    paris, backup = await carrier("paris", "100 Trying"), await carrier("paris-backup")
    await asterisk.process.rx("channel originate Local/hasty@trial/n application Wait 1")
    await paris.called()
    await until(lambda: nobody_calls(asterisk), "the end of the call")
    assert (paris.dialled, backup.dialled) == (["0145671230"], [])


async def nobody_calls(central: Central) -> bool:
    return not (await central.process.rx("core show channels concise")).strip()


async def test_a_ring_of_one_call_does_not_end_the_next_ones_search(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    """What was heard by the first way of a call is not taken for the second's."""
    lyon = await carrier("lyon", "503 Service Unavailable")
    paris = await carrier("paris", "503 Service Unavailable")
    backup = await carrier("paris-backup", "603 Decline", first="180 Ringing")
    agent = await phone("1001")
    for turn in (1, 2):
        since = agent.mark()
        await agent.dial("00442079460000")
        await agent.event(CLOSED, since=since)
        assert [len(one.invites) for one in (lyon, paris, backup)] == [turn] * 3
