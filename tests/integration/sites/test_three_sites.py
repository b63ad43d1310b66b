"""Two sites and a central, each in a network of its own: who leaves where, and what a cut VPN does and does not do."""

import time
from typing import Any

import pytest

from tests.integration.sites.conftest import World
from tests.rig.asterisk import LYON_DID
from tests.rig.installation import CHIEF, Api
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(170)]

ANSWERS, BUSY = "01 45 00 00 01", "01 45 00 00 07"
CALLER = "+33612345678"
SEEN_SECONDS = 20.0
"""A keep-alive each 2 s, given up after 3: this is far more."""


async def link(chief: Api, name: str) -> Any:
    rows = (await chief.get("/api/status"))["links"]
    return next((row for row in rows if row["id"] == name), None)


async def up(chief: Api, name: str) -> bool | None:
    row = await link(chief, name)
    return None if row is None else bool(row["up"])


async def agent_row(chief: Api, extension: str) -> Any:
    rows = (await chief.get("/api/agents"))["items"]
    return next(row for row in rows if row["extension"] == extension)


async def inbound(chief: Api, extension: str) -> str:
    """The id of the call that an agent has, once it is there."""

    async def has_one() -> bool:
        return (await agent_row(chief, extension))["call_id"] is not None

    await until(has_one, f"agent {extension} has a call", 15)
    return str((await agent_row(chief, extension))["call_id"])


async def test_each_agent_leaves_by_its_own_site_and_any_site_answers(world: World) -> None:
    node = await world.node()
    chief = await node.login(CHIEF)
    for extension, site in (("1001", "paris"), ("1003", "lyon")):
        await world.phone(extension)
        agent = await node.login(f"agent{extension}")
        call_id = await agent.call(ANSWERS)
        row = await chief.live(call_id, "talking", seconds=20)
        assert (row["trunk"], row["site"]) == (site, site.capitalize())
        # It truly went there: the site's own gateway has the channel, the other has none.
        counts = {name: await channels(gateway) for name, gateway in world.gateways.items()}
        assert {name: count > 0 for name, count in counts.items()} == {s: s == site for s in counts}
        await agent.send("POST", f"/api/calls/{call_id}/hangup")
        call = (await agent.ended(call_id))["call"]
        assert (call["outcome"], call["ended_by"], call["trunk"]) == ("answered", "agent", site)

    await world.phone("1002")
    await node.login("agent1002")
    await world.gateways["lyon"].call(CALLER, LYON_DID)
    call_id = await inbound(chief, "1002")
    row = await chief.live(call_id, "talking", seconds=20)
    assert (row["trunk"], row["direction"], row["number"]) == ("lyon", "inbound", CALLER)
    assert (await agent_row(chief, "1002"))["site"] == "Paris"


async def channels(gateway: Any) -> int:
    return int((await gateway.rx("core show channels count")).split()[0])


async def test_a_site_that_is_cut_off_and_comes_back(world: World) -> None:
    node = await world.node()
    chief = await node.login(CHIEF)
    for extension in ("1001", "1002", "1003"):
        await world.phone(extension)
    paris, parisian, lyon = [await node.login(f"agent{extension}") for extension in ("1001", "1002", "1003")]
    for name in ("trunk:paris", "trunk:lyon", "site:paris", "site:lyon"):
        await until(lambda name=name: up_is(chief, name, True), f"{name} up", SEEN_SECONDS)  # type: ignore[misc]

    of_paris = await paris.call(ANSWERS)
    of_lyon = await lyon.call(ANSWERS)
    await world.gateways["lyon"].call(CALLER, LYON_DID, talk_seconds=120)
    from_lyon = await inbound(chief, "1002")
    for call_id in (of_paris, of_lyon, from_lyon):
        await chief.live(call_id, "talking", seconds=20)

    cut_at = time.time()
    world.places.cut("lyon")

    for name in ("trunk:lyon", "site:lyon"):
        await until(lambda name=name: up_is(chief, name, False), f"{name} down", SEEN_SECONDS)  # type: ignore[misc]
        row = await link(chief, name)
        assert cut_at <= row["since"] <= row["as_of"]
    await until(lambda: phone_is(chief, "1003", "unreachable"), "the phone in Lyon unreachable", SEEN_SECONDS)
    for call_id, agent in ((of_lyon, lyon), (from_lyon, parisian)):
        call = (await agent.ended(call_id, 40))["call"]
        assert (call["outcome"], call["ended_by"], call["trunk"]) == ("answered", "network", "lyon"), call
    # The agent of Lyon cannot call, and hears why; Paris has noticed nothing.
    status, problem = await lyon.send("POST", "/api/calls", {"number": ANSWERS})
    assert (status, problem["code"]) == (409, "phone_unreachable")
    assert [await up(chief, name) for name in ("trunk:paris", "site:paris")] == [True, True]
    assert (await agent_row(chief, "1001"))["phone"] == "registered"
    await chief.live(of_paris, "talking")
    call = (await parisian.ended(await parisian.call(BUSY)))["call"]
    assert (call["outcome"], call["trunk"]) == ("busy", "paris")

    back_at = time.time()
    world.places.restore("lyon")

    for name in ("trunk:lyon", "site:lyon"):
        await until(lambda name=name: up_is(chief, name, True), f"{name} up again", SEEN_SECONDS)  # type: ignore[misc]
        assert (await link(chief, name))["since"] >= back_at
    await until(lambda: phone_is(chief, "1003", "registered"), "the phone in Lyon is back", SEEN_SECONDS)
    again = await lyon.call(ANSWERS)
    assert (await chief.live(again, "talking", seconds=20))["trunk"] == "lyon"
    await chief.live(of_paris, "talking")
    for call_id, agent in ((again, lyon), (of_paris, paris)):
        await agent.send("POST", f"/api/calls/{call_id}/hangup")
        call = (await agent.ended(call_id))["call"]
        assert (call["outcome"], call["ended_by"]) == ("answered", "agent")


async def up_is(chief: Api, name: str, wanted: bool) -> bool:
    return await up(chief, name) is wanted


async def phone_is(chief: Api, extension: str, status: str) -> bool:
    return bool((await agent_row(chief, extension))["phone"] == status)


async def test_a_phone_of_another_site_may_not_register(world: World) -> None:
    """Somebody in Lyon who knows a Parisian's password."""
    phone = await world.phone("1003")
    phone.extension = "1001"
    stranger = await phone._spawn("register", "-m", "1", "-timeout", "8")
    assert await stranger.wait() != 0
    contacts = await world.central.process.rx("pjsip show contacts")
    assert " 1001/" not in contacts and " 1003/" in contacts
