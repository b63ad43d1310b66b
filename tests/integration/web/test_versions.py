"""Two administrators edit one record: whoever is second is told who was first, when, and what the record is now."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from ccserver.domain.access import Role

from tests.rig.office import Answer, Caller, Office

pytestmark = pytest.mark.postgres

Row = dict[str, Any]


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def site(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    row = (await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon"})).json
    return f"/api/sites/{row['id']}", {"name": "Lyon Part-Dieu"}, {"area": "4"}


async def trunk(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    body = {"site_id": str(office.site.id), "slug": "t", "host": "10.0.0.1"}
    row = (await admin.post("/api/trunks", body)).json
    return f"/api/trunks/{row['id']}", {"name": "First"}, {"port": 5062}


async def did(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    body = {"site_id": str(office.site.id), "number": "0123456789"}
    row = (await admin.post("/api/dids", body)).json
    return f"/api/dids/{row['id']}", {"label": "First"}, {"opened": {"target": "voicemail"}}


async def schedule(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    row = (await admin.post("/api/schedules", {"name": "Day"})).json
    return f"/api/schedules/{row['id']}", {"name": "Night"}, {"holidays": "FR"}


async def phone(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    body = {"site_id": str(office.site.id), "extension": "1801"}
    row = (await admin.post("/api/phones", body)).json["items"][0]["phone"]
    return f"/api/phones/{row['id']}", {"label": "First"}, {"extension": "1802"}


async def user(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    row = (await admin.post("/api/users", {"login": "u", "role": "SUPERVISOR"})).json["user"]
    return f"/api/users/{row['id']}", {"first_name": "First"}, {"last_name": "Second"}


async def routes(office: Office, admin: Caller) -> tuple[str, Row, Row]:
    body = {"site_id": str(office.site.id), "slug": "t", "host": "10.0.0.1"}
    trunk_id = (await admin.post("/api/trunks", body)).json["id"]
    first, second = ({"routes": [{"trunk_id": trunk_id, "prefix": p}]} for p in ("+33", "+44"))
    return f"/api/sites/{office.site.id}/routes", first, second


Make = Callable[[Office, Caller], Awaitable[tuple[str, Row, Row]]]
ROWS = [site, trunk, did, schedule, phone, user, routes]


async def change(caller: Caller, path: str, body: Row, tag: str) -> Answer:
    method = "PUT" if path.endswith("/routes") else "PATCH"
    return await caller.send(method, path, body, headers={"If-Match": tag})


def row_of(answer: Answer) -> Row:
    """The row of an edit's answer; that of a user comes with secrets."""
    row: Row = answer.json
    return row["user"] if isinstance(row.get("user"), dict) else row


def told(row: Row) -> Row:
    """What is compared: whether a schedule is open at this moment is not."""
    return {name: value for name, value in row.items() if name != "open_now"}


@pytest.mark.parametrize("make", ROWS)
async def test_the_second_is_told_who_was_first(office: Office, admin: Caller, make: Make) -> None:
    other = await office.browser(boss := await office.person("boss", Role.ADMIN))
    path, first, second = await make(office, admin)
    seen = await admin.get(path)
    assert seen.headers["ETag"] == f'"{seen.json["version"]}"'
    done = await change(other, path, first, seen.headers["ETag"])
    assert done.status == 200
    assert done.headers["ETag"] == f'"{row_of(done)["version"]}"' != seen.headers["ETag"]
    late = await change(admin, path, second, seen.headers["ETag"])
    assert (late.status, late.code) == (412, "changed_meanwhile")
    assert (late.json["who"], late.json["who_id"]) == ("Boss Test", str(boss.id))
    assert abs(late.json["at"] - office.clock().timestamp()) < 600
    assert "Boss Test" in late.json["detail"]
    present = await admin.get(path)
    assert told(late.json["row"]) == told(present.json) == told(row_of(done))
    again = await change(admin, path, second, present.headers["ETag"])
    assert again.status == 200
    assert row_of(again)["version"] == (await admin.get(path)).json["version"]


@pytest.mark.parametrize("make", ROWS)
async def test_of_two_at_the_same_instant_one_is_refused(office: Office, admin: Caller, make: Make) -> None:
    other = await office.browser(await office.person("boss", Role.ADMIN))
    path, first, second = await make(office, admin)
    tag = (await admin.get(path)).headers["ETag"]
    answers = await asyncio.gather(
        change(admin, path, first, tag), change(other, path, second, tag), change(admin, path, first, tag)
    )
    assert sorted(answer.status for answer in answers) == [200, 412, 412]
    [winner] = [index for index, answer in enumerate(answers) if answer.status == 200]
    won = row_of(answers[winner])
    assert (await admin.get(path)).json["version"] == won["version"]
    lost = [answer.json for answer in answers if answer.status == 412]
    assert {problem["row"]["version"] for problem in lost} == {won["version"]}
    assert {problem["who"] for problem in lost} == {("Root Test", "Boss Test", "Root Test")[winner]}


@pytest.mark.parametrize("make", [site, trunk, did, schedule, phone])
async def test_what_somebody_changed_is_not_deleted_unseen(office: Office, admin: Caller, make: Make) -> None:
    path, first, _ = await make(office, admin)
    seen = (await admin.get(path)).headers["ETag"]
    assert (await admin.patch(path, first)).status == 200
    refused = await admin.delete(path, headers={"If-Match": seen})
    assert (refused.status, refused.code, refused.json["who"]) == (412, "changed_meanwhile", "Root Test")
    assert told(refused.json["row"]) == told((await admin.get(path)).json)
    present = (await admin.get(path)).headers["ETag"]
    assert (await admin.delete(path, headers={"If-Match": present})).status == 204
    assert (await admin.delete(path, headers={"If-Match": present})).status == 404


@pytest.mark.parametrize("make", ROWS)
async def test_without_a_version_it_is_as_before(office: Office, admin: Caller, make: Make) -> None:
    path, first, second = await make(office, admin)
    for body in (first, second):
        assert (await change(admin, path, body, "")).status == 200


async def test_the_headers_forms(office: Office, admin: Caller) -> None:
    path, first, second = await site(office, admin)
    tag = (await admin.get(path)).headers["ETag"]
    assert (await change(admin, path, {"area": "5"}, "*")).status == 200
    # In quotes it is a tag like others, of no row.
    for stale in (tag, '"x"', '"*"', '"", "660"', "W/" + tag):
        assert (await change(admin, path, first, stale)).status == 412, stale
    for malformed in ("660cd", "'x'", '"x" "y"', '"x', "*, *"):
        answer = await change(admin, path, first, malformed)
        assert (answer.status, answer.fields) == (422, {"If-Match": "wrong_format"}), malformed
    tag = (await admin.get(path)).headers["ETag"]
    assert (await change(admin, path, first, f'"x", {tag}')).status == 200
    # What a proxy made weak names the row still.
    assert (await change(admin, path, second, f"W/{(await admin.get(path)).headers['ETag']}")).status == 200


async def test_a_version_is_never_used_twice(office: Office, admin: Caller) -> None:
    """Not even when the clock stands still, or goes back."""
    path, first, _ = await site(office, admin)
    office.clock.pass_seconds(-3600)
    versions = [(await admin.get(path)).json["version"]]
    versions += [(await admin.patch(path, first)).json["version"] for _ in range(5)]
    assert len(set(versions)) == 6
    late = await change(admin, path, first, f'"{versions[0]}"')
    assert (late.status, late.json["row"]["version"]) == (412, versions[-1])


async def test_a_list_of_routes_put_back_is_the_same_again(office: Office, admin: Caller) -> None:
    path, first, second = await routes(office, admin)
    assert (await admin.get("/api/routes")).json["versions"][str(office.site.id)] == (
        empty := (await admin.get(path)).json["version"]
    )
    await admin.put(path, first)
    assert (await change(admin, path, second, f'"{empty}"')).status == 412
    await admin.put(path, {"routes": []})
    assert (await change(admin, path, second, f'"{empty}"')).status == 200
    versions = (await admin.get("/api/routes")).json["versions"]
    assert versions[str(office.site.id)] == (await admin.get(path)).json["version"]


async def test_pages_are_told_the_version_of_what_they_show(office: Office, admin: Caller) -> None:
    path, first, _ = await did(office, admin)
    version = (await admin.patch(path, first)).json["version"]
    assert msgspec.json.decode(office.announced[-1].row)["version"] == version
    assert (await admin.get("/api/dids")).json["items"][0]["version"] == version


async def test_who_is_of_another_organisation_is_not_named(office: Office, admin: Caller) -> None:
    path, first, second = await site(office, admin)
    seen = (await admin.get(path)).headers["ETag"]
    await admin.patch(path, first)
    async with office.database.system() as connection:
        await connection.execute("UPDATE audit_log SET user_id = $1", UUID(int=7))
    late = await change(admin, path, second, seen)
    assert (late.status, late.json["who"]) == (412, "")
    assert late.json["detail"].startswith("Quelqu’un d’autre")
