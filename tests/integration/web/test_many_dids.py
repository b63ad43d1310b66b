"""Thousands of numbers: found page by page, counted where they are, and changed many at a time or not at all."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role

from tests.integration.web.test_dids import agent, body, phone, place
from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres

Row = dict[str, Any]


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def ten(office: Office, admin: Caller, **more: Any) -> list[Row]:
    answer = await admin.post("/api/dids", body(office, number="0123456710", last="0123456719", **more))
    assert answer.status == 201, answer.body
    rows: list[Row] = answer.json["items"]
    return rows


async def found(admin: Caller, query: str) -> list[str]:
    return [row["number"][-2:] for row in (await admin.get(f"/api/dids?{query}")).json["items"]]


async def changes_of(office: Office, since: int) -> list[str]:
    return [change.key for change in office.announced[since:]]


async def test_numbers_come_page_by_page(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin)
    first = (await admin.get("/api/dids?limit=4")).json
    assert (first["items"], first["next"], first["total"]) == (rows[:4], "+33123456713", 10)
    second = (await admin.get("/api/dids?limit=4&after=%2B33123456713")).json
    third = (await admin.get("/api/dids?limit=4&after=%2B33123456717")).json
    assert second["items"] + third["items"] == rows[4:]
    assert (second["total"], third["next"], third["total"]) == (10, "", 10)
    for query, field in (("after=x", "after"), ("limit=201", "limit"), ("site=paris", "site")):
        assert list((await admin.get(f"/api/dids?{query}")).fields) == [field]


async def test_numbers_are_found_by_what_people_type(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    lobby = await phone(office, "201", user_id=None)
    hours = (await admin.post("/api/schedules", {"name": "Nuit d’été"})).json
    rows = await ten(office, admin)
    edits: list[Row] = [
        {"label": "Standard_1"},
        {"opened": {"target": "agent", "user_id": alice}},
        {"closed": {"target": "phone", "phone_id": lobby}},
        {"unanswered": {"target": "number", "forward_to": "0612345678"}},
        {"schedule_id": hours["id"]},
    ]
    for row, edit in zip(rows, edits, strict=False):
        assert (await admin.patch(f"/api/dids/{row['id']}", edit)).status == 200
    for text, wanted in (
        ("01 23 45 67 13", ["13"]),
        ("%2B33 1 23 45 67 14", ["14"]),
        ("003312345671", [row["number"][-2:] for row in rows]),
        ("06.12", ["13"]),
        ("standard_", ["10"]),
        ("%25", []),
        ("ALICE", ["11"]),
        ("101", ["11"]),
        ("201", ["12"]),
        ("été", ["14"]),
        ("nobody", []),
    ):
        assert await found(admin, f"text={text}") == wanted, text
    lyon = await office.site_of(office.tenant_id, "lyon")
    await admin.patch(f"/api/dids/{rows[0]['id']}", {"site_id": str(lyon.id)})
    assert await found(admin, f"site={lyon.id}") == ["10"]
    assert await found(admin, f"site={office.site.id}&text=standard") == []


async def test_numbers_are_counted(office: Office, admin: Caller) -> None:
    assert (await admin.get("/api/did-counts")).json == {"sites": {}, "schedules": {}}
    hours = (await admin.post("/api/schedules", {"name": "Day"})).json
    rows = await ten(office, admin)
    await admin.patch("/api/dids", {"ids": [row["id"] for row in rows[:3]], "schedule_id": hours["id"]})
    assert (await admin.get("/api/did-counts")).json == {
        "sites": {str(office.site.id): 10},
        "schedules": {hours["id"]: 3},
    }


async def test_many_are_changed_at_once(office: Office, admin: Caller) -> None:
    alice = await agent(office, "alice", "101")
    rows = await ten(office, admin, label="Desk")
    await admin.patch(f"/api/dids/{rows[0]['id']}", {"label": "Reception"})
    told, reloads = len(office.announced), len(office.directory_changes)
    ids = [row["id"] for row in rows[:4]]
    answer = await admin.patch("/api/dids", {"ids": ids, "opened": {"target": "agent", "user_id": alice}})
    assert answer.status == 200, answer.body
    made = answer.json["items"]
    assert [(row["id"], row["opened"], row["user_id"]) for row in made] == [
        (did_id, place("agent", user_id=alice), alice) for did_id in ids
    ]
    # What is not named stays, each number's own.
    assert [row["label"] for row in made] == ["Reception", "Desk", "Desk", "Desk"]
    assert (await admin.get("/api/dids?limit=4")).json["items"] == made
    assert await changes_of(office, told) == [f"did:{did_id}" for did_id in ids]
    assert msgspec.json.decode(office.announced[-1].row) == made[-1]
    assert len(office.directory_changes) == reloads + 1
    async with office.database.system() as connection:
        lines = await connection.fetch("SELECT * FROM audit_log WHERE action = 'did.edit_many'")
    [detail] = [msgspec.json.decode(line["detail"]) for line in lines]
    assert detail["ids"].split() == ids
    assert detail["numbers"].split() == [row["number"] for row in rows[:4]]
    assert "agent" in msgspec.json.decode(detail["changes"])["+33123456713"]["opened"]


async def test_a_range_is_changed(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin)
    span = {"site_id": str(office.site.id), "number": "01 23 45 67 12", "last": "01 23 45 67 14"}
    answer = await admin.patch("/api/dids", {"range": span, "label": " Team ", "ring_seconds": 30})
    assert [(row["number"], row["label"], row["ring_seconds"]) for row in answer.json["items"]] == [
        (f"+331234567{n}", "Team", 30) for n in (12, 13, 14)
    ]
    untouched = (await admin.get("/api/dids")).json["items"]
    assert [row for row in untouched if row["label"] != "Team"] == rows[:2] + rows[5:]


async def test_all_or_nothing(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin)
    before = (await admin.get("/api/dids")).json
    told = len(office.announced)
    ids = [row["id"] for row in rows]
    lyon = await office.site_of(office.tenant_id, "lyon")
    span = {"site_id": str(office.site.id), "number": "0123456710", "last": "0123456719"}
    gone = str(uuid4())
    wrong: list[tuple[Row, dict[str, str]]] = [
        ({"ids": [*ids[:2], gone], "label": "x"}, {"ids[2]": "unknown"}),
        ({"label": "x"}, {"ids": "required"}),
        ({"ids": ids, "range": span}, {"ids": "given_twice"}),
        ({"ids": []}, {"ids": "too_few"}),
        ({"ids": [str(uuid4()) for _ in range(501)]}, {"ids": "too_many"}),
        ({"ids": ids, "number": "0123456700"}, {"number": "unknown_field"}),
        ({"ids": ids, "schedule_id": gone}, {"schedule_id": "unknown", "ids": "none_changed"}),
        ({"ids": ids, "site_id": gone}, {"site_id": "unknown", "ids": "none_changed"}),
        ({"range": {**span, "site_id": gone}}, {"range.site_id": "unknown"}),
        ({"range": {**span, "site_id": str(lyon.id)}}, {"range": "unknown"}),
        ({"range": {**span, "last": "0123456700"}}, {"range.last": "range_order"}),
        ({"range": {**span, "last": "x"}}, {"range.last": "number_format"}),
        ({"ids": ids, "opened": {"target": "agent"}}, {"opened.user_id": "required", "ids": "none_changed"}),
    ]
    for sent, fields in wrong:
        answer = await admin.patch("/api/dids", sent)
        assert (answer.status, answer.fields) == (422, fields), sent
    assert (await admin.get("/api/dids")).json == before
    assert office.announced[told:] == []


async def test_the_number_that_stands_in_the_way_is_named(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin)
    before = (await admin.get("/api/dids")).json
    forward = {"opened": {"target": "number", "forward_to": "0123456715"}}
    answer = await admin.patch("/api/dids", {"ids": [row["id"] for row in rows], **forward})
    assert answer.fields == {"opened.forward_to": "forward_loop", "ids": "none_changed"}
    assert "+33123456715" in {error["field"]: error["message"] for error in answer.json["errors"]}["ids"]
    assert (await admin.get("/api/dids")).json == before
    others = [row["id"] for row in rows if row["number"] != "+33123456715"]
    assert (await admin.patch("/api/dids", {"ids": others, **forward})).status == 200
    back = {"ids": [rows[5]["id"]], "closed": {"target": "number", "forward_to": "0123456710"}}
    assert (await admin.patch("/api/dids", back)).fields == {
        "closed.forward_to": "forward_loop",
        "ids": "none_changed",
    }


async def test_what_is_so_already_is_no_change(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin, label="Desk")
    told = len(office.announced)
    answer = await admin.patch("/api/dids", {"ids": [rows[0]["id"]], "label": "Desk"})
    assert answer.json["items"] == rows[:1]
    assert office.announced[told:] == []


async def test_two_who_change_the_same_numbers_at_once_do_not_lock_each_other_out(
    office: Office, admin: Caller
) -> None:
    ids = [row["id"] for row in await ten(office, admin)]
    answers = await asyncio.gather(
        *(
            admin.patch("/api/dids", {"ids": order, "label": f"{index}"})
            for index, order in enumerate((ids, ids[::-1]) * 3)
        )
    )
    assert [answer.status for answer in answers] == [200] * 6
    assert len({row["label"] for row in (await admin.get("/api/dids")).json["items"]}) == 1


async def test_whose_change_a_form_met_is_known_of_many_too(office: Office, admin: Caller) -> None:
    boss = await office.browser(await office.person("boss", Role.ADMIN))
    row, *others = await ten(office, admin)
    await boss.patch("/api/dids", {"ids": [row["id"], others[0]["id"]], "label": "Team"})
    late = await admin.patch(
        f"/api/dids/{row['id']}", {"label": "Mine"}, headers={"If-Match": f'"{row["version"]}"'}
    )
    assert (late.status, late.json["who"], late.json["row"]["label"]) == (412, "Boss Test", "Team")


async def test_another_organisation_has_numbers_of_its_own(office: Office, admin: Caller) -> None:
    rows = await ten(office, admin)
    elsewhere = await office.tenant("elsewhere")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    answer = await spy.patch("/api/dids", {"ids": [rows[0]["id"]], "label": "x"})
    assert (answer.status, answer.fields) == (422, {"ids[0]": "unknown"})
    assert (await spy.get("/api/dids")).json == {"items": [], "next": "", "total": 0}
    assert (await spy.get("/api/did-counts")).json == {"sites": {}, "schedules": {}}
