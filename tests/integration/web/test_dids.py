"""Numbers over HTTP: ranges made whole or not at all, and destinations that callers can really reach."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.services.base import new_id

from tests.rig.office import Caller, Office, unversioned

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def body(office: Office, **more: Any) -> dict[str, Any]:
    return {"site_id": str(office.site.id), "number": "0123456789", **more}


async def made(office: Office, admin: Caller, **more: Any) -> Any:
    answer = await admin.post("/api/dids", body(office, **more))
    assert answer.status == 201, answer.body
    return answer.json


async def phone(
    office: Office, extension: str, *, user_id: UUID | None, tenant_id: UUID | None = None
) -> str:
    """A phone in the database: the user's own, or a physical one of the site when there is no user."""
    now = office.clock()
    tenant = tenant_id or office.tenant_id
    site = None if user_id else office.site.id
    made = new_id(now)
    async with office.database.system() as connection:
        await connection.execute(
            "INSERT INTO phones (id, tenant_id, user_id, site_id, kind, extension, secret_encrypted,"
            " created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
            *(made, tenant, user_id, site, "softphone" if user_id else "physical", extension, b"x", now),
        )
    return str(made)


async def agent(office: Office, login: str, extension: str = "") -> str:
    person = await office.person(login)
    if extension:
        await phone(office, extension, user_id=person.id)
    return str(person.id)


def place(target: str, **more: Any) -> dict[str, Any]:
    return {"target": target, "user_id": None, "phone_id": None, "forward_to": "", **more}


async def test_every_kind_of_destination(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    lobby = await phone(office, "201", user_id=None)
    wanted = [
        ({"target": "agent", "user_id": alice}, place("agent", user_id=alice)),
        ({"target": "phone", "phone_id": lobby}, place("phone", phone_id=lobby)),
        ({"target": "number", "forward_to": "06 12 34 56 78"}, place("number", forward_to="+33612345678")),
        ({"target": "voicemail"}, place("voicemail")),
        ({"target": "none"}, place("none")),
        # What the target does not ask for does not count.
        ({"target": "voicemail", "user_id": alice, "forward_to": "x"}, place("voicemail")),
    ]
    for index, (sent, kept) in enumerate(wanted):
        did = await made(office, admin, number=f"012345670{index}", opened=sent, closed=sent)
        assert (did["opened"], did["closed"], did["user_id"]) == (kept, kept, kept["user_id"])
        assert (await admin.get(f"/api/dids/{did['id']}")).json == did
        assert (await admin.delete(f"/api/dids/{did['id']}")).status == 204


async def test_the_short_form_rings_an_agent(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    did = await made(office, admin, user_id=alice)
    assert (did["user_id"], did["opened"], did["closed"]) == (
        alice,
        place("agent", user_id=alice),
        place("none"),
    )
    both = await admin.post(
        "/api/dids", body(office, number="0123456780", user_id=alice, opened={"target": "none"})
    )
    assert (both.status, both.fields) == (422, {"user_id": "given_twice"})


async def test_a_range_is_made_whole(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    answer = await admin.post(
        "/api/dids", body(office, number="01 23 45 67 00", last="0123456799", label=" Desk ", user_id=alice)
    )
    assert answer.status == 201
    rows = answer.json["items"]
    assert [row["number"] for row in rows] == [f"+331234567{n:02d}" for n in range(100)]
    assert {(row["label"], row["user_id"]) for row in rows} == {("Desk", alice)}
    assert len({row["id"] for row in rows}) == 100
    assert (await admin.get("/api/dids?limit=200")).json["items"] == rows
    assert len([change for change in office.announced if change.key.startswith("did:")]) == 100
    assert len(office.directory_changes) == 1


async def test_a_range_with_taken_numbers_is_not_made_at_all(office: Office, admin: Caller) -> None:
    await admin.post("/api/dids", body(office, number="0123456705", last="0123456712"))
    before = (await admin.get("/api/dids")).json
    answer = await admin.post("/api/dids", body(office, number="0123456700", last="0123456707"))
    assert (answer.status, answer.code, answer.fields) == (409, "numbers_taken", {"number": "numbers_taken"})
    assert "+33123456705, +33123456706, +33123456707" in answer.json["detail"]
    assert (await admin.get("/api/dids")).json == before
    many = await admin.post("/api/dids", body(office, number="0123456700", last="0123456720"))
    assert "+33123456709, …" in many.json["detail"]
    assert (await admin.post("/api/dids", body(office, number="+33 1 23 45 67 05"))).code == "number_taken"
    elsewhere = await office.tenant("elsewhere")
    site = await office.site_of(elsewhere, "elsewhere-1")
    other = await office.browser(await office.person("other", Role.ADMIN, tenant_id=elsewhere))
    theirs = {"site_id": str(site.id), "number": "0123456712", "last": "0123456715"}
    assert (await other.post("/api/dids", theirs)).code == "numbers_taken"


async def test_of_overlapping_ranges_made_at_once_one_is_made(office: Office, admin: Caller) -> None:
    wanted = [body(office, number=f"01234567{n:02d}", last=f"01234567{n + 50}") for n in range(6)]
    answers = await asyncio.gather(*(admin.post("/api/dids", one) for one in wanted))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await admin.get("/api/dids")).json["total"] == len(
        next(answer for answer in answers if answer.status == 201).json["items"]
    )


async def test_wrong_numbers_and_destinations_are_named(office: Office, admin: Caller) -> None:
    idle = await agent(office, "idle")
    alice = await agent(office, "alice", "101")
    async with office.database.system() as connection:
        softphone = str(await connection.fetchval("SELECT id FROM phones WHERE extension = '101'"))
    elsewhere = await office.tenant("elsewhere")
    stranger = str((await office.person("stranger", tenant_id=elsewhere)).id)
    nobody = str(uuid4())
    await admin.patch(f"/api/sites/{office.site.id}", {"allowed_prefixes": ["+33"]})
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"number": "15"}, "number", "number_short"),
        ({"number": "0123456789;x"}, "number", "number_format"),
        ({"number": "0123456789&SIP/1"}, "number", "number_format"),
        ({"number": "${EXTEN}"}, "number", "number_format"),
        ({"number": "012345"}, "number", "number_unknown"),
        ({"last": "0123456700"}, "last", "range_order"),
        ({"last": "0123456999"}, "last", "range_too_long"),
        ({"last": "+442079460000"}, "last", "range_lengths"),
        ({"last": "x"}, "last", "number_format"),
        ({"site_id": nobody}, "site_id", "unknown"),
        ({"schedule_id": nobody}, "schedule_id", "unknown"),
        ({"user_id": nobody}, "user_id", "unknown"),
        ({"user_id": idle}, "user_id", "user_without_phone"),
        ({"user_id": stranger}, "user_id", "unknown"),
        ({"opened": {"target": "agent"}}, "opened.user_id", "required"),
        ({"opened": {"target": "agent", "user_id": idle}}, "opened.user_id", "user_without_phone"),
        ({"closed": {"target": "agent", "user_id": stranger}}, "closed.user_id", "unknown"),
        ({"closed": {"target": "phone"}}, "closed.phone_id", "required"),
        ({"closed": {"target": "phone", "phone_id": nobody}}, "closed.phone_id", "unknown"),
        # An agent's own phone is reached through the agent.
        ({"closed": {"target": "phone", "phone_id": softphone}}, "closed.phone_id", "unknown"),
        ({"opened": {"target": "number"}}, "opened.forward_to", "required"),
        ({"opened": {"target": "number", "forward_to": "112"}}, "opened.forward_to", "number_short"),
        (
            {"opened": {"target": "number", "forward_to": "+44 20 7946 0958"}},
            "opened.forward_to",
            "prefix_not_allowed",
        ),
        ({"opened": {"target": "number", "forward_to": "0123456789"}}, "opened.forward_to", "forward_loop"),
        ({"opened": {"target": "queue"}}, "opened.target", "not_a_choice"),
        ({"opened": {"target": "none", "colour": "red"}}, "opened.colour", "unknown_field"),
        ({"opened": {}}, "opened.target", "required"),
    ]
    for more, field, code in wrong:
        answer = await admin.post("/api/dids", body(office, **more))
        assert (answer.status, answer.fields) == (422, {field: code}), more
    did = await made(office, admin, user_id=alice)
    for more, field, code in wrong:
        if not {"number", "last", "user_id"} & set(more):
            answer = await admin.patch(f"/api/dids/{did['id']}", more)
            assert (answer.status, answer.fields) == (422, {field: code}), more
    assert (await admin.get("/api/dids")).json["items"] == [did]


async def test_numbers_that_forward_to_each_other_are_refused(office: Office, admin: Caller) -> None:
    first = await made(office, admin, number="0123456701")
    await made(office, admin, number="0123456702", closed={"target": "number", "forward_to": "0123456703"})
    await made(office, admin, number="0123456703", opened={"target": "number", "forward_to": "0123456701"})
    round_trip = await admin.patch(
        f"/api/dids/{first['id']}", {"closed": {"target": "number", "forward_to": "0123456702"}}
    )
    assert (round_trip.status, round_trip.fields) == (422, {"closed.forward_to": "forward_loop"})
    outside = {"closed": {"target": "number", "forward_to": "0612345678"}}
    assert (await admin.patch(f"/api/dids/{first['id']}", outside)).status == 200


async def test_an_edit_changes_what_it_names(office: Office, admin: Caller) -> None:
    alice, bob = await agent(office, "alice", "101"), await agent(office, "bob", "102")
    hours = (await admin.post("/api/schedules", {"name": "Day"})).json
    did = await made(office, admin, user_id=alice, label="Sales", schedule_id=hours["id"])
    path = f"/api/dids/{did['id']}"
    edited = await admin.patch(path, {"opened": {"target": "agent", "user_id": bob}})
    assert unversioned(edited.json) == {
        **unversioned(did),
        "user_id": bob,
        "opened": place("agent", user_id=bob),
    }
    closed = await admin.patch(path, {"closed": {"target": "voicemail"}, "label": "Support"})
    wanted = {**unversioned(edited.json), "closed": place("voicemail"), "label": "Support"}
    assert unversioned(closed.json) == wanted
    always = await admin.patch(path, {"schedule_id": None})
    assert unversioned(always.json) == {**unversioned(closed.json), "schedule_id": None}
    assert (await admin.get("/api/dids")).json["items"] == [always.json]
    assert msgspec.json.decode(office.announced[-1].row) == always.json
    assert (await admin.patch(path, {"number": "0123456700"})).fields == {"number": "unknown_field"}
    lyon = (await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon"})).json
    assert (await admin.patch(path, {"site_id": lyon["id"]})).json["site_id"] == lyon["id"]
    left, came = office.announced[-2:]
    assert (left.deleted, left.site_id, str(came.site_id)) == (True, office.site.id, lyon["id"])


async def test_an_agent_who_has_left_does_not_stand_in_the_way(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    did = await made(office, admin, user_id=alice)
    path = f"/api/dids/{did['id']}"
    assert (await admin.patch(f"/api/users/{alice}", {"active": False})).status == 200
    labelled = await admin.patch(
        path, {"label": "Old", "opened": did["opened"], "closed": {"target": "voicemail"}}
    )
    assert (labelled.status, labelled.json["label"], labelled.json["user_id"]) == (200, "Old", alice)
    anew = await admin.patch(path, {"closed": {"target": "agent", "user_id": alice}})
    assert (anew.status, anew.fields) == (422, {"closed.user_id": "user_inactive"})


async def test_a_number_is_deleted(office: Office, admin: Caller) -> None:
    did = await made(office, admin)
    assert (await admin.delete(f"/api/dids/{did['id']}")).status == 204
    assert (office.announced[-1].key, office.announced[-1].deleted) == (f"did:{did['id']}", True)
    assert (await admin.delete(f"/api/dids/{did['id']}")).status == 404
    async with office.database.system() as connection:
        actions = [
            row["action"] for row in await connection.fetch("SELECT action FROM audit_log ORDER BY id")
        ]
    assert [action for action in actions if action.startswith("did.")] == ["did.create", "did.delete"]


async def test_another_organisation_cannot_touch_it(office: Office, admin: Caller) -> None:
    did = await made(office, admin)
    elsewhere = await office.tenant("elsewhere")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    path = f"/api/dids/{did['id']}"
    answers = [await spy.get(path), await spy.patch(path, {"label": "x"}), await spy.delete(path)]
    assert [answer.status for answer in answers] == [404, 404, 404]
    assert (await admin.get(path)).json == did
