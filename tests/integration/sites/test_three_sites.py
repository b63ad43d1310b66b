"""Two sites and a central, each in a network of its own: who leaves where, and what a cut VPN does and does not do."""

import time

import pytest

from tests.integration.sites.conftest import World
from tests.rig.asterisk import LYON_DID
from tests.rig.installation import CHIEF, Api
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.faults, pytest.mark.timeout(400)]

ANSWERS, BUSY = "01 45 00 00 01", "01 45 00 00 07"
CALLER = "+33612345678"


async def inbound(chief: Api, extension: str) -> str:
    """The id of the call that an agent has, once it is there."""
    found: list[str] = []

    async def has_one() -> bool:
        call_id = (await chief.agent(extension))["call_id"]
        found[:] = [str(call_id)] if call_id is not None else []
        return bool(found)

    await until(has_one, f"agent {extension} has a call")
    return found[0]


async def test_each_agent_leaves_by_its_own_site_and_any_site_answers(world: World) -> None:
    node = await world.node()
    chief = await node.login(CHIEF)
    for name in ("trunk:paris", "trunk:lyon"):
        await chief.linked(name, True)
    for extension, site in (("1001", "paris"), ("1003", "lyon")):
        await world.phone(extension)
        agent = await node.login(f"agent{extension}")
        call_id = await agent.call(ANSWERS)
        row = await chief.live(call_id, "talking")
        assert (row["trunk"], row["site"]) == (site, site.capitalize())
        await until(lambda site=site: carried_only_by(world, site), f"the gateway of {site} carries it")  # type: ignore[misc]
        await agent.hang_up(call_id)
        call = (await agent.ended(call_id))["call"]
        assert (call["outcome"], call["ended_by"], call["trunk"]) == ("answered", "agent", site)

    await world.phone("1002")
    await node.login("agent1002")
    await chief.phone("1002")
    await world.gateways["lyon"].call(CALLER, LYON_DID, talk_seconds=600)
    call_id = await inbound(chief, "1002")
    row = await chief.live(call_id, "talking")
    assert (row["trunk"], row["direction"], row["number"]) == ("lyon", "inbound", CALLER)
    assert (await chief.agent("1002"))["site"] == "Paris"


async def carried_only_by(world: World, site: str) -> bool:
    """Whether a call truly went there: the site's own gateway has its channel, the other has none."""
    counts = {
        name: int((await gateway.rx("core show channels count")).split()[0])
        for name, gateway in world.gateways.items()
    }
    return all((count > 0) is (name == site) for name, count in counts.items())


async def test_a_site_that_is_cut_off_and_comes_back(world: World) -> None:
    node = await world.node()
    chief = await node.login(CHIEF)
    for extension in ("1001", "1002", "1003"):
        await world.phone(extension)
    paris, parisian, lyon = [await node.login(f"agent{extension}") for extension in ("1001", "1002", "1003")]
    for name in ("trunk:paris", "trunk:lyon", "site:paris", "site:lyon"):
        await chief.linked(name, True)
    await chief.phone("1002")

    of_paris = await paris.call(ANSWERS)
    of_lyon = await lyon.call(ANSWERS)
    await world.gateways["lyon"].call(CALLER, LYON_DID, talk_seconds=600)
    from_lyon = await inbound(chief, "1002")
    for call_id in (of_paris, of_lyon, from_lyon):
        await chief.live(call_id, "talking")

    cut_at = time.time()
    world.places.cut("lyon")

    for name in ("trunk:lyon", "site:lyon"):
        row = await chief.linked(name, False)
        assert cut_at <= row["since"] <= row["as_of"]
    await chief.phone("1003", "unreachable")
    for call_id, agent in ((of_lyon, lyon), (from_lyon, parisian)):
        call = (await agent.ended(call_id))["call"]
        assert (call["outcome"], call["ended_by"], call["trunk"]) == ("answered", "network", "lyon"), call
    # The agent of Lyon cannot call, and hears why; Paris has noticed nothing.
    status, problem = await lyon.answered("POST", "/api/calls", {"number": ANSWERS})
    assert (status, problem["code"]) == (409, "phone_unreachable")
    for name in ("trunk:paris", "site:paris"):
        await chief.linked(name, True)
    await chief.phone("1001")
    await chief.live(of_paris, "talking")
    call = (await parisian.ended(await parisian.call(BUSY)))["call"]
    assert (call["outcome"], call["trunk"]) == ("busy", "paris")

    back_at = time.time()
    world.places.restore("lyon")

    for name in ("trunk:lyon", "site:lyon"):
        assert (await chief.linked(name, True))["since"] >= back_at
    await chief.phone("1003")
    again = await lyon.call(ANSWERS)
    assert (await chief.live(again, "talking"))["trunk"] == "lyon"
    await chief.live(of_paris, "talking")
    for call_id, agent in ((again, lyon), (of_paris, paris)):
        await agent.hang_up(call_id)
        call = (await agent.ended(call_id))["call"]
        assert (call["outcome"], call["ended_by"]) == ("answered", "agent")


async def test_a_phone_of_another_site_may_not_register(world: World) -> None:
    """Somebody in Lyon who knows a Parisian's password: it is asked for again, as if it had been wrong."""
    await world.phone("1003")
    with pytest.raises(AssertionError, match=r"(?s)could not register 1001.*received 'SIP/2\.0 401"):
        await world.phone("1001", "lyon")
    contacts = await world.central.process.rx("pjsip show contacts")
    assert " 1001/" not in contacts and " 1003/" in contacts
