"""A number whose agent does not answer: its third destination takes the caller. On a real Asterisk."""

from typing import Any
from uuid import UUID

import pytest
from ccserver.stack.softphone import ESTABLISHED, INCOMING

from tests.integration.app.test_calls import agent_state, has_calls
from tests.integration.app.test_stations import CALLER, nobody_at, only_call, routed
from tests.rig.asterisk import PARIS_DID, PARIS_SECOND_DID, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.installation import CHIEF, Installation
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(300)]

OUTSIDE = "+33145000001"


async def third(installation: Installation, number: str = PARIS_DID, seconds: int = 5, **to: Any) -> None:
    """Where the callers of a number go whom nobody answers, and after how long."""
    await installation.did(number, "unanswered_", **to)
    await installation.change("UPDATE dids SET ring_seconds = $2 WHERE number = $1", number, seconds)


def person(installation: Installation, extension: str) -> dict[str, Any]:
    return {"target": "agent", "user_id": installation.ids[extension]}


def ours(journey: Any) -> list[tuple[str, bool]]:
    """Our side's legs: whose, and whether they answered."""
    legs = [leg for leg in journey["legs"] if leg["role"] == "agent"]
    return [(leg["number"], leg["answered_at"] is not None) for leg in legs]


async def test_a_phone_that_rings_in_vain_is_followed_by_the_colleagues(
    installation: Installation, sipp: SippFactory
) -> None:
    await third(installation, **person(installation, "1002"))
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_never_answers", extension="1001")
    await sipp("phone_answers", extension="1002")
    await chief.phone("1001")
    await chief.phone("1002")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    call = journey["call"]
    assert (call["outcome"], call["agent_id"]) == ("answered", str(installation.ids["1002"]))
    assert routed(journey) == [("agent", "1001"), ("agent", "unanswered 1002")]
    assert ours(journey) == [("1001", False), ("1002", True)]
    assert {leg["agent_id"] for leg in journey["legs"] if leg["number"] == "1001"} == {
        str(installation.ids["1001"])
    }
    await agent_state(chief, "1001", "offline")


async def test_who_rejects_passes_the_caller_on_and_nobody_at_all_is_missed(
    installation: Installation, sipp: SippFactory
) -> None:
    await third(installation, **person(installation, "1002"), seconds=120)
    node = await installation.node()
    chief = await node.login(CHIEF)
    for extension in ("1001", "1002"):
        await sipp("phone_rejects", extension=extension)
        await chief.phone(extension)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER)
    await caller.wait()
    assert 486 in caller.statuses(), "he hears that it is busy"
    journey = await only_call(chief)
    assert journey["call"]["outcome"] == "missed"
    assert ours(journey) == [("1001", False), ("1002", False)]


async def test_a_phone_that_is_not_there_passes_on_to_a_number_outside(
    installation: Installation, asterisk: Central, sipp: SippFactory
) -> None:
    await until(lambda: nobody_at(asterisk, "1001"), "nobody is registered")
    await third(installation, target="number", forward_to=OUTSIDE)
    node = await installation.node()
    chief = await node.login(CHIEF)
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    call = journey["call"]
    assert (call["outcome"], call["agent_id"], call["party"]) == ("answered", None, OUTSIDE)
    assert routed(journey) == [("agent", "1001"), ("number", f"unanswered {OUTSIDE}")]


async def test_an_agent_who_talks_already_passes_on_to_a_phone_of_the_site(
    installation: Installation, sipp: SippFactory, phone: PhoneFactory
) -> None:
    reception = await installation.physical("1002", "Accueil", "paris")
    await third(installation, target="phone", phone_id=reception)
    node = await installation.node()
    chief = await node.login(CHIEF)
    mine = await phone("1001")
    await sipp("phone_answers", extension="1002")
    await chief.phone("1001")
    await mine.dial("0145000001")
    await mine.event(ESTABLISHED)
    await agent_state(chief, "1001", "on_call")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    await until(lambda: has_calls(chief, 1, "33612345678"), "the caller's call in the history")
    call = (await chief.get("/api/calls?number=33612345678"))["items"][0]
    assert (call["outcome"], call["party"], call["agent_id"]) == ("answered", "Accueil (1002)", None)
    await agent_state(chief, "1001", "on_call")


async def test_whom_nobody_answers_may_leave_a_message(installation: Installation, sipp: SippFactory) -> None:
    await third(installation, target="voicemail")
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_never_answers", extension="1001")
    await chief.phone("1001")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=1000)
    await caller.wait()
    journey = await only_call(chief)
    call = journey["call"]
    assert (call["outcome"], call["answered_at"]) == ("voicemail", None)
    assert call["agent_id"] == str(installation.ids["1001"]), "it was his, and he has a message"
    assert routed(journey) == [("agent", "1001"), ("voicemail", "unanswered")]
    await agent_state(chief, "1001", "offline")


async def test_a_forward_that_the_site_may_not_call_takes_nobody(
    installation: Installation, sipp: SippFactory
) -> None:
    await installation.change("UPDATE sites SET allowed_prefixes = '{+331}' WHERE slug = 'paris'")
    await third(installation, target="number", forward_to="+442079460001")
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_rejects", extension="1001")
    await chief.phone("1001")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER)
    await caller.wait()
    journey = await only_call(chief)
    assert journey["call"]["outcome"] == "not_allowed"
    assert [leg["role"] for leg in journey["legs"]] == ["customer", "agent"], "nothing has left"


async def test_a_mobiles_voicemail_passes_on(
    installation: Installation, sipp: SippFactory, gateway_lyon: object
) -> None:
    """It picks up and presses no key."""
    await installation.mobile("1003", "+33698000001")
    await installation.did(PARIS_DID, target="agent", user_id=installation.ids["1003"])
    await third(installation, **person(installation, "1002"))
    node = await installation.node()
    chief = await node.login(CHIEF)
    await sipp("phone_answers", extension="1002")
    await chief.phone("1002")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    assert journey["call"]["outcome"] == "answered"
    assert journey["call"]["agent_id"] == str(installation.ids["1002"])
    assert routed(journey) == [("mobile", "+33698000001"), ("agent", "unanswered 1002")]


async def test_a_number_of_ours_that_takes_over_has_a_third_destination_too(
    installation: Installation, sipp: SippFactory
) -> None:
    await third(installation, target="number", forward_to=PARIS_SECOND_DID)
    await third(installation, PARIS_SECOND_DID, **person(installation, "1003"))
    node = await installation.node()
    chief = await node.login(CHIEF)
    for extension in ("1001", "1002"):
        await sipp("phone_rejects", extension=extension)
        await chief.phone(extension)
    await sipp("phone_answers", extension="1003")
    await chief.phone("1003")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    assert (journey["call"]["outcome"], journey["call"]["our_number"]) == ("answered", PARIS_DID)
    assert ours(journey) == [("1001", False), ("1002", False), ("1003", True)]


async def test_a_server_killed_while_the_first_phone_rings_still_passes_on(
    installation: Installation, asterisk: Central, sipp: SippFactory, phone: PhoneFactory
) -> None:
    await third(installation, **person(installation, "1002"), seconds=120)
    node = await installation.node()
    chief = await node.login(CHIEF)
    mine = await phone("1001")
    await sipp("phone_answers", extension="1002")
    await chief.phone("1001")
    await chief.phone("1002")
    caller = await sipp("caller", number=PARIS_DID, caller=CALLER, talk_ms=300)
    await mine.event(INCOMING)
    await node.kill9()

    async def rings() -> list[str]:
        shown = (await asterisk.process.rx("core show channels concise")).splitlines()
        return [line.split("!")[0] for line in shown if line.startswith("PJSIP/1001-")]

    async def given_up() -> bool:
        return not await rings()

    for channel in await rings():
        await asterisk.process.rx(f"channel request hangup {channel}")
    await until(given_up, "the first phone's leg is over")
    await node.start()
    chief = await node.login(CHIEF)
    assert await caller.wait() == 0
    journey = await only_call(chief)
    assert (journey["call"]["outcome"], UUID(journey["call"]["agent_id"])) == (
        "answered",
        installation.ids["1002"],
    )
    assert ours(journey) == [("1001", False), ("1002", True)]
