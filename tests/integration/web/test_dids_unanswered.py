"""A number's third destination over HTTP: where callers go whom nobody answers, and after how long."""

from typing import Any

import pytest
from ccserver.domain.access import Role

from tests.integration.web.test_dids import agent, body, made, phone, place
from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def test_every_kind_of_third_destination_is_kept_and_changed(office: Office, admin: Caller) -> None:
    alice, bob = await agent(office, "alice", "101"), await agent(office, "bob", "102")
    lobby = await phone(office, "201", user_id=None)
    plain = await made(office, admin, user_id=alice)
    assert (plain["unanswered"], plain["ring_seconds"]) == (place("none"), 30)
    path = f"/api/dids/{plain['id']}"
    wanted: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"target": "agent", "user_id": bob}, place("agent", user_id=bob)),
        ({"target": "phone", "phone_id": lobby}, place("phone", phone_id=lobby)),
        ({"target": "number", "forward_to": "06 12 34 56 78"}, place("number", forward_to="+33612345678")),
        ({"target": "voicemail"}, place("voicemail")),
        ({"target": "none"}, place("none")),
    ]
    for index, (sent, kept) in enumerate(wanted):
        answer = await admin.patch(path, {"unanswered": sent, "ring_seconds": 5 + index})
        assert answer.status == 200, answer.body
        assert (answer.json["unanswered"], answer.json["ring_seconds"]) == (kept, 5 + index)
        assert answer.json["opened"] == plain["opened"]
        assert (await admin.get(path)).json == answer.json
        number = f"012345670{index}"
        also = await made(office, admin, number=number, user_id=alice, unanswered=sent, ring_seconds=120)
        assert (also["unanswered"], also["ring_seconds"]) == (kept, 120)


async def test_what_nobody_could_be_sent_to_is_named(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    idle = await agent(office, "idle")
    await admin.patch(f"/api/sites/{office.site.id}", {"allowed_prefixes": ["+33"]})
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"target": "agent"}, "unanswered.user_id", "required"),
        ({"target": "agent", "user_id": idle}, "unanswered.user_id", "user_without_phone"),
        ({"target": "phone", "phone_id": alice}, "unanswered.phone_id", "unknown"),
        ({"target": "number", "forward_to": "112"}, "unanswered.forward_to", "number_short"),
        ({"target": "number", "forward_to": "+442079460001"}, "unanswered.forward_to", "prefix_not_allowed"),
        ({"target": "number", "forward_to": "0123456789"}, "unanswered.forward_to", "forward_loop"),
    ]
    for sent, field, code in wrong:
        answer = await admin.post("/api/dids", body(office, user_id=alice, unanswered=sent))
        assert (answer.status, answer.fields) == (422, {field: code}), sent
    for seconds in (4, 121, "soon"):
        answer = await admin.post("/api/dids", body(office, ring_seconds=seconds))
        assert (answer.status, list(answer.fields)) == (422, ["ring_seconds"]), seconds


async def test_two_numbers_do_not_pass_their_callers_back_and_forth(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    first = await made(office, admin, user_id=alice)
    other = {"target": "number", "forward_to": first["number"]}
    await made(office, admin, number="0123456700", user_id=alice, unanswered=other)
    back = {"unanswered": {"target": "number", "forward_to": "0123456700"}}
    answer = await admin.patch(f"/api/dids/{first['id']}", back)
    assert (answer.status, answer.fields) == (422, {"unanswered.forward_to": "forward_loop"})


async def test_a_phone_that_takes_over_stays_while_a_number_leads_to_it(
    office: Office, admin: Caller
) -> None:
    lobby = await phone(office, "201", user_id=None)
    await made(office, admin, unanswered={"target": "phone", "phone_id": lobby})
    answer = await admin.delete(f"/api/phones/{lobby}")
    assert (answer.status, answer.code) == (409, "phone_in_use")
