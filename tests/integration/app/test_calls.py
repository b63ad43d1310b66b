"""Calls through the whole server: HTTP in, a real Asterisk, phones and a gateway, the history out."""

from typing import Any

import pytest
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import ESTABLISHED

from tests.rig.api import Api
from tests.rig.asterisk import PARIS_DID, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.installation import CHIEF, Installation
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(300)]

ANSWERS, HANGS_UP, BUSY, NO_ANSWER, REFUSED = (f"01 45 00 00 0{digit}" for digit in (1, 6, 7, 8, 9))


def kinds(journey: Any) -> list[str]:
    return [f"{m['kind']} {m['role']}".strip() for m in journey["timeline"]]


async def agent_state(chief: Api, extension: str, *states: str) -> Any:
    """The agent's live row, once in one of these states."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        found.update(await chief.agent(extension))
        return found["state"] in states

    await until(is_so, lambda: f"agent {extension} {states}, is {found}")
    return found


async def test_an_answered_call_is_seen_live_and_kept_once(
    installation: Installation, sipp: SippFactory
) -> None:
    node = await installation.node()
    agent, chief = await node.login("agent1001"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1001")
    await agent_state(chief, "1001", "available")
    call_id = await agent.call(ANSWERS)
    row = await chief.live(call_id, "talking")
    assert (row["number"], row["our_number"], row["trunk"]) == ("+33145000001", "+33145670000", "paris")
    assert (await agent_state(chief, "1001", "on_call"))["call_id"] == call_id
    await agent.hang_up(call_id)
    journey = await agent.ended(call_id)
    call = journey["call"]
    assert (call["outcome"], call["ended_by"], call["direction"]) == ("answered", "agent", "outbound")
    # The call ends with its last leg, the talk with the first that goes.
    first_end = min(leg["ended_at"] for leg in journey["legs"])
    assert call["talk_seconds"] == pytest.approx(first_end - call["answered_at"], abs=0.01)
    told = kinds(journey)
    # Both legs are hung up at once: either of them may be gone first.
    assert told[:9] + sorted(told[9:11]) + told[11:] == [
        "placed", "leg_created agent", "ringing agent", "answered agent", "leg_created customer",
        "ringing customer", "answered customer", "connected customer", "hangup_asked agent",
        "leg_ended agent", "leg_ended customer", "ended",
    ]  # fmt: skip
    assert [leg["role"] for leg in journey["legs"]] == ["agent", "customer"]
    listed = (await chief.get("/api/calls"))["items"]
    assert [item["id"] for item in listed] == [call_id]
    await agent_state(chief, "1001", "available")


@pytest.mark.parametrize(
    ("number", "outcome", "cause"),
    [(BUSY, "busy", 17), (REFUSED, "failed", 34), (HANGS_UP, "answered", 16)],
)
async def test_how_the_customer_ends_it(
    installation: Installation, sipp: SippFactory, number: str, outcome: str, cause: int
) -> None:
    node = await installation.node()
    agent = await node.login("agent1001")
    await sipp("phone_answers", extension="1001")
    call = (await agent.ended(await agent.call(number)))["call"]
    assert (call["outcome"], call["cause"]) == (outcome, cause)
    assert call["ended_by"] == ("customer" if outcome == "answered" else "network")


async def test_a_call_cancelled_while_the_customer_rings(
    installation: Installation, sipp: SippFactory
) -> None:
    node = await installation.node()
    agent = await node.login("agent1001")
    await sipp("phone_answers", extension="1001")
    call_id = await agent.call(NO_ANSWER)
    await (await node.login(CHIEF)).live(call_id, "ringing")
    await agent.hang_up(call_id)
    call = (await agent.ended(call_id))["call"]
    assert (call["outcome"], call["ended_by"], call["answered_at"]) == ("cancelled", "agent", None)


async def test_a_phone_that_rejects_or_is_not_there(installation: Installation, sipp: SippFactory) -> None:
    node = await installation.node()
    agent, absent = await node.login("agent1001"), await node.login("agent1003")
    await sipp("phone_rejects", extension="1001")
    call = (await agent.ended(await agent.call(ANSWERS)))["call"]
    assert call["outcome"] == "agent_busy"
    status, problem = await absent.answered("POST", "/api/calls", {"number": ANSWERS})
    assert (status, problem["code"]) == (409, "phone_unreachable")


async def test_a_trunk_that_is_down(installation: Installation, asterisk: Central, sipp: SippFactory) -> None:
    """Lyon has no gateway in this test."""
    node = await installation.node()
    agent, chief = await node.login("agent1003"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1003")
    await asterisk.unreachable("trunk-lyon")
    await chief.linked("trunk:lyon", False)
    call = (await agent.ended(await agent.call(ANSWERS)))["call"]
    assert call["outcome"] == "trunk_down"


async def test_an_inbound_call_rings_its_agent_and_is_answered(
    installation: Installation, sipp: SippFactory
) -> None:
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_answers", extension="1001")
    await chief.phone("1001")
    caller = await sipp("caller", number=PARIS_DID, caller="0612345678", talk_ms=300)
    assert await caller.wait() == 0
    await until(lambda: has_calls(chief, 1), "the call in the history")
    call = (await chief.get("/api/calls"))["items"][0]
    assert (call["direction"], call["outcome"], call["ended_by"]) == ("inbound", "answered", "customer")
    assert (call["number"], call["our_number"]) == ("+33612345678", PARIS_DID)
    assert call["agent_id"] == str(installation.ids["1001"])


async def test_a_caller_who_gives_up_was_missed(
    installation: Installation, gateway_paris: GatewayProcess, sipp: SippFactory
) -> None:
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_never_answers", extension="1001")
    await chief.phone("1001")
    await gateway_paris.call("+33612345678", PARIS_DID)

    async def rings() -> bool:
        return [row["state"] for row in (await chief.get("/api/status"))["calls"]] == ["ringing"]

    await until(rings, "the agent's phone rings")
    await gateway_paris.rx("channel request hangup all")
    await until(lambda: has_calls(chief, 1), "the call in the history")
    call = (await chief.get("/api/calls"))["items"][0]
    assert (call["outcome"], call["ended_by"], call["answered_at"]) == ("missed", "customer", None)
    assert call["ringing_at"] is not None


async def test_without_a_server_the_dialplan_rings_the_phone_and_the_call_is_told_afterwards(
    installation: Installation, sipp: SippFactory, asterisk: Central
) -> None:
    node = await installation.node()
    await node.kill9()
    await sipp("phone_answers", extension="1001")
    caller = await sipp("caller", number=PARIS_DID, caller="0698765432", talk_ms=2000)
    assert await caller.wait() == 0
    await node.start()
    chief = await node.login(CHIEF)
    await until(lambda: has_calls(chief, 1, "33698765432"), "the call told by CEL")
    call = (await chief.get("/api/calls?number=33698765432"))["items"][0]
    assert (call["direction"], call["outcome"], call["end_estimated"]) == ("inbound", "answered", False)
    assert call["agent_id"] == str(installation.ids["1001"]) and call["talk_seconds"] >= 0.4


async def test_a_colleague_is_rung_directly_and_never_through_the_gateway(
    installation: Installation, sipp: SippFactory, phone: PhoneFactory
) -> None:
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_answers", extension="1002")
    mine = await phone("1001")
    await chief.phone("1001")
    await chief.phone("1002")
    await mine.dial("1002")
    await mine.event(ESTABLISHED)
    await agent_state(chief, "1002", "on_call")
    await mine.hang_up()
    await until(lambda: has_calls(chief, 1, "1002"), "the call in the history")
    call = (await chief.get("/api/calls?number=1002"))["items"][0]
    assert (call["direction"], call["outcome"], call["ended_by"]) == ("internal", "answered", "agent")
    assert call["agent_id"] == str(installation.ids["1001"])
    await agent_state(chief, "1002", "available", "offline")


async def test_what_may_not_be_dialled(installation: Installation) -> None:
    node = await installation.node()
    agent = await node.login("agent1001")
    for number in (
        "01 45 00 00 0",
        "0145000001\r\nAction: Command",
        "${SHELL(id)}",
        "0145000001&PJSIP/x",
        "",
    ):
        status, problem = await agent.answered("POST", "/api/calls", {"number": number})
        assert status == 422 or status == 400, (number, status, problem)
        assert problem["errors"][0]["field"] == "number"
    status, problem = await agent.answered("POST", "/api/calls/0190-not-an-id/hangup")
    assert status == 404
    other = str(installation.ids["1002"])
    status, _ = await agent.answered("POST", "/api/calls", {"number": ANSWERS, "agent_id": other})
    assert status == 403


async def has_calls(chief: Api, count: int, number: str = "") -> bool:
    """Whether so many calls (with this number) have ended in the history."""
    items = (await chief.get(f"/api/calls?number={number}"))["items"]
    return len(items) == count and all(item["ended_at"] is not None for item in items)


async def test_an_emergency_number_by_click_reaches_the_gateway(
    installation: Installation, sipp: SippFactory
) -> None:
    node = await installation.node()
    agent, chief = await node.login("agent1001"), await node.login(CHIEF)
    await sipp("phone_answers", extension="1001")
    call_id = await agent.call("112")
    await chief.live(call_id, "talking")
    await agent.hang_up(call_id)
    call = (await agent.ended(call_id))["call"]
    assert (call["number"], call["outcome"]) == ("112", "answered")
