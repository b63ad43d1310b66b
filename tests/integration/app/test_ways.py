"""Which trunk a call leaves by: routes, trunks that refuse or are dead, sites' own rules. On a real Asterisk."""

from typing import Any

import pytest

from tests.rig.api import Api
from tests.rig.asterisk import LYON_ADDRESS, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.installation import CHIEF, Installation
from tests.rig.sipp import SippProcess
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(300)]

ANSWERS, BUSY, RINGS = "01 45 00 00 01", "01 45 00 00 07", "01 45 00 00 08"
ABROAD = "+44 20 7946 0001"


async def lyon_carrier(
    asterisk: Central, sipp: SippFactory, scenario: str = "carrier_refuses", **more: Any
) -> SippProcess:
    """Something at the address of Lyon's gateway; a carrier that refuses is known to be reachable."""
    carrier = await sipp(scenario, address=LYON_ADDRESS, port=asterisk.trunk_port("lyon"), **more)
    if scenario == "carrier_refuses":
        await asterisk.reachable("trunk-lyon")
    return carrier


def attempts(journey: Any) -> list[tuple[str, int | None]]:
    """Trunks that failed, with their causes."""
    return [(m["detail"], m["cause"]) for m in journey["timeline"] if m["kind"] == "way_failed"]


def trunks(journey: Any) -> list[str]:
    """The trunks of the customer's legs."""
    return [
        leg["channel"].split("trunk-")[1].rpartition("-")[0]
        for leg in journey["legs"]
        if leg["role"] == "customer"
    ]


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        ("503 Service Unavailable", 34),
        ("500 Server Error", 38),
        ("408 Timeout", 18),
        ("403 Forbidden", 21),
        ("488 Not Acceptable Here", 58),
    ],
)
async def test_the_second_trunk_carries_what_the_first_refuses(
    installation: Installation, asterisk: Central, sipp: SippFactory, status: str, cause: int
) -> None:
    await lyon_carrier(asterisk, sipp, status=status)
    await installation.route("lyon", "paris")
    await installation.route("lyon", "lyon", "+33")
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1003")
    call_id = await agent.call(ANSWERS)
    row = await chief.live(call_id, "talking")
    assert row["trunk"] == "paris"
    await agent.hang_up(call_id)
    journey = await agent.ended(call_id)
    assert (journey["call"]["outcome"], journey["call"]["trunk"]) == ("answered", "paris")
    assert trunks(journey) == ["lyon", "paris"]
    assert attempts(journey) == [("lyon", cause)]
    assert [leg["role"] for leg in journey["legs"]].count("agent") == 1, "the agent is rung once"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("486 Busy Here", "busy"),
        ("404 Not Found", "invalid_number"),
        ("480 Temporarily Unavailable", "failed"),
        ("603 Decline", "rejected"),
    ],
)
async def test_what_the_network_says_of_the_number_is_the_answer(
    installation: Installation, asterisk: Central, sipp: SippFactory, status: str, outcome: str
) -> None:
    await lyon_carrier(asterisk, sipp, status=status)
    await installation.route("lyon", "paris", priority=2)
    await installation.route("lyon", "lyon")
    node = await installation.node()
    agent = await node.login("agent1003")
    await sipp("phone_answers", extension="1003")
    journey = await agent.ended(await agent.call(ANSWERS))
    assert (journey["call"]["outcome"], trunks(journey), attempts(journey)) == (outcome, ["lyon"], [])


async def test_a_trunk_known_to_be_dead_is_tried_last_and_all_dead_is_trunk_down(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    """Lyon has no gateway."""
    await installation.route("lyon", "paris", "+44")
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1003")
    await asterisk.unreachable("trunk-lyon")
    await chief.linked("trunk:lyon", False)
    row = await chief.linked("site:lyon", False)
    assert row["since"] <= row["as_of"]
    await chief.linked("site:paris", True)
    journey = await agent.ended(await agent.call(ABROAD.replace("0001", "0007")))
    assert (journey["call"]["outcome"], trunks(journey)) == ("busy", ["paris"])
    journey = await agent.ended(await agent.call(ANSWERS))
    assert journey["call"]["outcome"] == "trunk_down"


async def test_a_trunk_that_dies_under_a_call_is_left_when_its_keep_alive_says_so(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    """The carrier of Lyon is there when the agent clicks, and says nothing more."""
    carrier = await lyon_carrier(asterisk, sipp)
    await installation.route("lyon", "lyon", priority=1)
    await installation.route("lyon", "paris", priority=2)
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1003")
    await carrier.stop()
    call_id = await agent.call(ANSWERS)
    await until(lambda: is_dialled(asterisk, call_id), "the trunk of Lyon is called")
    await asterisk.unreachable("trunk-lyon")
    row = await chief.live(call_id, "talking")
    assert row["trunk"] == "paris"
    await agent.hang_up(call_id)
    journey = await agent.ended(call_id)
    assert [way for way, _ in attempts(journey)] == ["lyon"]


async def is_dialled(asterisk: Central, call_id: str) -> bool:
    """Whether the customer is on the way by the trunk of Lyon."""
    lines = (await asterisk.process.rx("core show channels concise")).splitlines()
    return any(line.startswith("PJSIP/trunk-lyon-") and f"cc-{call_id}-customer" in line for line in lines)


async def test_a_server_killed_between_two_ways_takes_up_the_living_one(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    await lyon_carrier(asterisk, sipp, status="503 Service Unavailable")
    await installation.route("lyon", "lyon", priority=1)
    await installation.route("lyon", "paris", priority=2)
    node = await installation.node()
    agent = await node.login("agent1003")
    await sipp("phone_answers", extension="1003")
    call_id = await agent.call(RINGS)
    row = await (await node.login(CHIEF)).live(call_id, "ringing")
    assert row["trunk"] == "paris"
    await node.kill9()
    await node.start()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    assert (await chief.live(call_id, "ringing"))["trunk"] == "paris"
    await agent.hang_up(call_id)
    journey = await agent.ended(call_id)
    assert (journey["call"]["outcome"], trunks(journey)) == ("cancelled", ["lyon", "paris"])


async def test_a_site_cut_off_is_shown_since_when_and_comes_back(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    carrier = await lyon_carrier(asterisk, sipp)
    node = await installation.node()
    chief = await node.login(CHIEF)
    await chief.linked("site:lyon", True)
    await carrier.stop()
    await asterisk.unreachable("trunk-lyon")
    since = (await chief.linked("site:lyon", False))["since"]
    await lyon_carrier(asterisk, sipp)
    assert (await chief.linked("site:lyon", True))["since"] > since


async def test_each_site_leaves_by_its_own_and_the_longest_prefix_wins(
    installation: Installation, asterisk: Central, sipp: SippFactory, gateway_lyon: object
) -> None:
    await installation.route("paris", "lyon", "+44")
    await installation.route("paris", "paris", "+4")
    node = await installation.node()
    chief = await node.login(CHIEF)
    for extension, number, expected in (
        ("1001", BUSY, "paris"),
        ("1001", ABROAD.replace("0001", "0007"), "lyon"),
        ("1003", BUSY, "lyon"),
    ):
        agent = await node.login(f"agent{extension}")
        phone = await sipp("phone_answers", extension=extension)
        journey = await agent.ended(await agent.call(number))
        assert (journey["call"]["trunk"], journey["call"]["outcome"]) == (expected, "busy"), (
            extension,
            number,
        )
        await phone.stop()
    await chief.linked("site:lyon", True)


async def test_what_a_site_may_not_call(
    installation: Installation, sipp: SippFactory, phone: PhoneFactory
) -> None:
    await installation.change("UPDATE sites SET allowed_prefixes = '{+331,+334}' WHERE slug = 'paris'")
    node = await installation.node()
    agent, chief = await node.login("agent1001"), await node.login(CHIEF)
    mine = await phone("1001")
    await chief.phone("1001")
    status, problem = await agent.answered("POST", "/api/calls", {"number": ABROAD})
    assert (status, problem["errors"][0]["code"]) == (422, "number_not_allowed")
    await mine.dial("00442079460001")
    await until(lambda: ended(chief, "442079460001"), "the refused call in the history")
    call = (await chief.get("/api/calls?number=442079460001"))["items"][0]
    assert (call["outcome"], call["direction"]) == ("not_allowed", "outbound")


async def ended(chief: Api, number: str) -> bool:
    items = (await chief.get(f"/api/calls?number={number}"))["items"]
    return bool(items) and all(item["ended_at"] is not None for item in items)


async def test_numbers_leave_as_each_trunk_wants_them(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    """A local number dialled in Lyon, sent in E.164 behind a prefix; the carrier shows what it got."""
    carrier = await lyon_carrier(asterisk, sipp, status="404 Not Found")
    await installation.change("UPDATE sites SET area = '04' WHERE slug = 'lyon'")
    await installation.change(
        "UPDATE trunks SET number_format = 'e164', dial_prefix = '9' WHERE slug = 'lyon'"
    )
    node = await installation.node()
    agent = await node.login("agent1003")
    await sipp("phone_answers", extension="1003")
    journey = await agent.ended(await agent.call("78 67 00 07"))
    assert journey["call"]["number"] == "+33478670007"
    await until(lambda: bool(lines_of(carrier, "INVITE ")), "the INVITE in SIPp's log")
    invite, sender = lines_of(carrier, "INVITE ")[0], lines_of(carrier, "From: ")[-1]
    assert invite.startswith("INVITE sip:9+33478670007@"), invite
    assert "sip:+33478670000@" in sender, sender


def lines_of(carrier: SippProcess, begin: str) -> list[str]:
    """Lines of its calls' messages that begin so, keep-alives left out."""
    calls = [part for part in carrier.messages().split("----") if "INVITE" in part]
    return [line for part in calls for line in part.splitlines() if line.startswith(begin)]
