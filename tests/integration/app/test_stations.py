"""Where callers of a number go, and agents who have no phone of their own: on a real Asterisk."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from ccserver.stack.softphone import CLOSED, ESTABLISHED

from tests.integration.app.test_calls import agent_state, has_calls
from tests.rig.api import Api
from tests.rig.asterisk import PARIS_DID, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.installation import CHIEF, Installation
from tests.rig.node import Browser
from tests.rig.wait import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(300)]

CALLER = "0612345678"
PRESSES_ONE, VOICEMAIL = "+33698000004", "+33698000001"
ANSWERS = "01 45 00 00 01"


def routed(journey: Any) -> list[tuple[str, str]]:
    return [(m["role"], m["detail"]) for m in journey["timeline"] if m["kind"] == "routed"]


async def only_call(chief: Any) -> Any:
    """The journey of the one call in the history."""
    await until(lambda: has_calls(chief, 1), "the call in the history")
    call = (await chief.get("/api/calls"))["items"][0]
    return await chief.get(f"/api/calls/{call['id']}")


async def test_outside_its_hours_a_number_forwards_by_its_site(
    installation: Installation, sipp: SippFactory
) -> None:
    await installation.close(PARIS_DID)
    await installation.did(PARIS_DID, "closed_", target="number", forward_to="+33145000001")
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    call = journey["call"]
    assert (call["outcome"], call["agent_id"], call["party"]) == ("answered", None, "+33145000001")
    assert routed(journey) == [("number", "closed +33145000001")]
    assert [leg["role"] for leg in journey["legs"]] == ["customer", "agent"]


async def test_closed_is_not_missed(installation: Installation, sipp: SippFactory) -> None:
    await installation.close(PARIS_DID)
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID)
    await caller.wait()
    journey = await only_call(chief)
    assert journey["call"]["outcome"] == "closed"
    assert routed(journey) == [("none", "closed")]


async def test_a_forward_that_the_site_may_not_call_is_refused(
    installation: Installation, sipp: SippFactory
) -> None:
    await installation.change("UPDATE sites SET allowed_prefixes = '{+331}' WHERE slug = 'paris'")
    await installation.did(PARIS_DID, target="number", forward_to="+442079460001")
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID)
    await caller.wait()
    assert (await only_call(chief))["call"]["outcome"] == "not_allowed"


async def test_a_voicemail_takes_the_caller(installation: Installation, sipp: SippFactory) -> None:
    await installation.close(PARIS_DID)
    await installation.did(PARIS_DID, "closed_", target="voicemail")
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=1000)
    await caller.wait()
    journey = await only_call(chief)
    assert (journey["call"]["outcome"], journey["call"]["answered_at"]) == ("voicemail", None)


async def test_a_physical_phone_dials_is_dialled_and_has_a_number(
    installation: Installation, sipp: SippFactory, phone: PhoneFactory
) -> None:
    """1002 stands at the reception and is nobody's."""
    phone_id = await installation.physical("1002", "Accueil", "paris")
    await installation.did(PARIS_DID, target="phone", phone_id=phone_id)
    node = await installation.node()
    chief = await node.login(CHIEF)
    reception = await phone("1002")
    await reception.dial("0145000006")
    await until(lambda: has_calls(chief, 1, "33145000006"), "the call out in the history")
    await reception.event(CLOSED)
    call = (await chief.get("/api/calls?number=33145000006"))["items"][0]
    assert (call["direction"], call["outcome"], call["trunk"]) == ("outbound", "answered", "paris")
    assert (call["agent_id"], call["party"], call["site"]) == (None, "Accueil (1002)", "Paris")
    await sipp("phone_answers", extension="1001")
    await chief.phone("1001")
    since = reception.mark()
    await reception.dial("1001")
    await reception.event(ESTABLISHED, since=since)
    await agent_state(chief, "1001", "on_call")
    await reception.hang_up()
    await until(lambda: has_calls(chief, 1, "1001"), "the internal call in the history")
    call = (await chief.get("/api/calls?number=1001"))["items"][0]
    assert (call["direction"], call["outcome"], call["ended_by"]) == ("internal", "answered", "agent")
    board = await stations_of(chief)
    # Killed, it would stay registered until a keep-alive misses it.
    await reception.stop(PATIENCE_SECONDS / 4)
    await board.until_rows(station(phone_id, "unregistered"))
    await sipp("phone_answers", extension="1002")
    await board.until_rows(station(phone_id, "registered"))
    await board.socket.close()
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    await until(lambda: has_calls(chief, 1, "33612345678"), "the call in in the history")
    call = (await chief.get("/api/calls?number=33612345678"))["items"][0]
    assert (call["outcome"], call["party"], call["agent"]) == ("answered", "Accueil (1002)", "")


async def test_a_sites_phone_is_shown_as_it_comes_and_goes(
    installation: Installation, phone: PhoneFactory
) -> None:
    """Live, and after the node comes back: what happened meanwhile is told by the resync."""
    phone_id = await installation.physical("1002", "Accueil", "paris")
    node = await installation.node()
    chief = await node.login(CHIEF)
    board = await stations_of(chief)
    await board.until_rows(station(phone_id, "unregistered", "unreachable"))
    reception = await phone("1002")
    await board.until_rows(station(phone_id, "registered"))
    since = board.rows["stations", str(phone_id)]["since"]
    # Killed, it would stay registered until a keep-alive misses it.
    await reception.stop(PATIENCE_SECONDS / 4)
    await board.until_rows(station(phone_id, "unregistered"))
    row = board.rows["stations", str(phone_id)]
    assert row["since"] > since
    assert (row["extension"], row["site_id"]) == ("1002", str(installation.ids["paris"]))
    await board.socket.close()
    await node.stop()
    await phone("1002")
    again = await installation.node("two")
    board = await stations_of(await again.login(CHIEF))
    await board.until_rows(station(phone_id, "registered"))
    assert [key for topic, key in board.rows if topic == "stations"] == [str(phone_id)], (
        "agents' are not there"
    )
    await board.socket.close()


async def stations_of(api: Api) -> Browser:
    """The live rows of sites' phones."""
    headers = {"Authorization": f"Bearer {api.token}"}
    board = Browser(await api.session.ws_connect(f"{api.base}/ws", headers=headers))
    await board.say(type="subscribe", topics=["stations"])
    await board.until("snapshot")
    return board


def station(phone_id: UUID, *states: str) -> Callable[[Any], bool]:
    return lambda rows: rows.get(("stations", str(phone_id)), {}).get("state") in states


async def nobody_at(asterisk: Central, extension: str) -> bool:
    """A SIPp phone leaves without a word: its contact stays until a keep-alive misses it."""
    contacts = (await asterisk.process.rx("pjsip show contacts")).splitlines()
    return not [line for line in contacts if f" {extension}/sip:" in line and " Unavail " not in line]


async def test_an_agent_dials_a_physical_phone(
    installation: Installation, sipp: SippFactory, phone: PhoneFactory
) -> None:
    await installation.physical("1002", "", "paris")
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_answers", extension="1002")
    board = await stations_of(chief)
    await board.until_rows(lambda rows: "registered" in [row["state"] for row in rows.values()])
    await board.socket.close()
    mine = await phone("1001")
    await chief.phone("1001")
    await mine.dial("1002")
    await mine.event(ESTABLISHED)
    await mine.hang_up()
    await until(lambda: has_calls(chief, 1, "1002"), "the call in the history")
    call = (await chief.get("/api/calls?number=1002"))["items"][0]
    assert (call["direction"], call["outcome"]) == ("internal", "answered")


async def test_an_agent_on_a_mobile_presses_one_and_is_joined(
    installation: Installation, sipp: SippFactory, gateway_lyon: Any
) -> None:
    await installation.mobile("1003", PRESSES_ONE)
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    row = await agent_state(chief, "1003", "available")
    assert row["phone"] == "mobile"
    call_id = await agent.call(ANSWERS)
    await chief.live(call_id, "talking")
    await agent_state(chief, "1003", "on_call")
    await agent.hang_up(call_id)
    journey = await agent.ended(call_id)
    call = journey["call"]
    assert (call["outcome"], call["trunk"], call["agent_id"]) == (
        "answered",
        "lyon",
        str(installation.ids["1003"]),
    )
    legs = {leg["role"]: leg for leg in journey["legs"]}
    assert legs["agent"]["number"] == PRESSES_ONE and legs["customer"]["number"] == "+33145000001"
    await agent_state(chief, "1003", "available")


async def asked(asterisk: Central, call_id: str) -> bool:
    return (await channels(asterisk)).get(f"cc-{call_id}-agent") == "Up"


async def channels(asterisk: Central) -> dict[str, str]:
    """Uniqueids of living channels, with their states."""
    lines = (await asterisk.process.rx("core show channels concise")).splitlines()
    rows = [line.split("!") for line in lines if line.startswith("PJSIP/")]
    return {row[-1]: row[4] for row in rows}


async def test_a_mobiles_voicemail_is_never_joined_with_anybody(
    installation: Installation, asterisk: Central, sipp: SippFactory, gateway_lyon: Any
) -> None:
    """Neither with the customer whom its agent calls, nor with a caller who waits for him."""
    await installation.mobile("1003", VOICEMAIL)
    await installation.mobile("1004", VOICEMAIL)
    await installation.did(PARIS_DID, target="agent", user_id=installation.ids["1004"])
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER)
    call_id = await agent.call(ANSWERS)
    await until(lambda: asked(asterisk, call_id), "the mobile answered and is asked")
    assert (await agent_state(chief, "1003", "ringing"))["call_id"] == call_id
    journey = await agent.ended(call_id)
    assert journey["call"]["outcome"] == "agent_no_answer"
    assert [leg["role"] for leg in journey["legs"]] == ["agent"], "the customer was never called"
    await agent_state(chief, "1003", "available")
    await caller.wait()
    assert 200 not in caller.statuses()
    await until(lambda: has_calls(chief, 1, "33612345678"), "the caller in the history")
    call = (await chief.get("/api/calls?number=33612345678"))["items"][0]
    assert (call["outcome"], call["answered_at"]) == ("missed", None)


async def test_a_caller_reaches_an_agent_on_his_mobile_and_no_voicemail(
    installation: Installation, sipp: SippFactory, gateway_lyon: Any
) -> None:
    await installation.mobile("1003", PRESSES_ONE)
    await installation.did(PARIS_DID, target="agent", user_id=installation.ids["1003"])
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    assert (journey["call"]["outcome"], journey["call"]["agent_id"]) == (
        "answered",
        str(installation.ids["1003"]),
    )
    assert routed(journey) == [("mobile", PRESSES_ONE)]
