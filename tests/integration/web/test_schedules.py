"""Opening schedules over HTTP."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import pytest
from ccserver.domain.access import Role

from tests.rig.office import Caller, Office, unversioned

pytestmark = pytest.mark.postgres

ALWAYS = [{"day": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def made(admin: Caller, **more: Any) -> Any:
    answer = await admin.post("/api/schedules", {"name": "Day", **more})
    assert answer.status == 201, answer.body
    return answer.json


async def test_a_schedule_is_kept_in_the_order_of_the_week(office: Office, admin: Caller) -> None:
    hours = [
        {"day": 2, "opens": "09:00", "closes": "18:00"},
        {"day": 1, "opens": "14:00", "closes": "18:00"},
        {"day": 1, "opens": "09:00", "closes": "12:00"},
    ]
    exceptions = [
        {"date": "2026-12-31", "opens": "09:00", "closes": "12:00", "label": "Réveillon"},
        {"date": "2026-12-24"},
    ]
    schedule = await made(admin, zone="Europe/Paris", holidays="FR-57", hours=hours, exceptions=exceptions)
    assert schedule["hours"] == [hours[2], hours[1], hours[0]]
    assert schedule["exceptions"] == [
        {"date": "2026-12-24", "opens": "", "closes": "", "label": ""},
        {"date": "2026-12-31", "opens": "09:00", "closes": "12:00", "label": "Réveillon"},
    ]
    assert (await admin.get(f"/api/schedules/{schedule['id']}")).json == schedule
    assert (await admin.get("/api/schedules")).json["items"] == [schedule]
    told = office.announced[-1]
    assert (told.topic, told.key, told.site_id) == ("sites", f"schedule:{schedule['id']}", None)
    assert msgspec.json.decode(told.row) == schedule
    assert len(office.directory_changes) == 1


async def test_whether_it_is_open_now(office: Office, admin: Caller) -> None:
    assert (await made(admin, name="Always", hours=ALWAYS))["open_now"] is True
    assert (await made(admin, name="Never"))["open_now"] is False
    # At noon: midnight may not fall between our look at the date and the server's.
    office.clock.stop()
    noon = datetime.combine(office.clock().date() + timedelta(days=1), time(12), UTC)
    office.clock.pass_seconds((noon - office.clock()).total_seconds())
    await admin.login("root")
    today = noon.date().isoformat()
    closed = await made(admin, name="Today", zone="UTC", hours=ALWAYS, exceptions=[{"date": today}])
    assert closed["open_now"] is False
    office.clock.pass_seconds(86400)
    await admin.login("root")
    assert (await admin.get(f"/api/schedules/{closed['id']}")).json["open_now"] is True


async def test_wrong_schedules_are_named(admin: Caller) -> None:
    day = {"day": 1, "opens": "09:00", "closes": "18:00"}
    wrong: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"name": " "}, {"name": "required"}),
        ({"zone": "Europe/Lyon"}, {"zone": "zone_unknown"}),
        ({"holidays": "FR-99"}, {"holidays": "holidays_unknown"}),
        ({"hours": [{**day, "day": 8}]}, {"hours[0].day": "weekday"}),
        ({"hours": [{**day, "opens": "9:00"}]}, {"hours[0].opens": "hour_format"}),
        ({"hours": [{**day, "closes": "25:00"}]}, {"hours[0].closes": "hour_format"}),
        ({"hours": [{**day, "closes": "09:00"}]}, {"hours[0].closes": "hours_order"}),
        ({"hours": [day, {**day, "opens": "17:00", "closes": "20:00"}]}, {"hours[1].opens": "hours_overlap"}),
        ({"hours": [{**day, "colour": "red"}]}, {"hours[0].colour": "unknown_field"}),
        ({"exceptions": [{"date": "2026-02-30"}]}, {"exceptions[0].date": "wrong_format"}),
        (
            {"exceptions": [{"date": "2026-12-24", "opens": "12:00", "closes": "09:00"}]},
            {"exceptions[0].closes": "hours_order"},
        ),
        ({"exceptions": [{"date": "2026-12-24", "closes": "09:00"}]}, {"exceptions[0].opens": "hour_format"}),
    ]
    schedule = await made(admin, name="Right")
    for more, errors in wrong:
        answer = await admin.post("/api/schedules", {"name": "Day", **more})
        assert (answer.status, answer.fields) == (422, errors), more
        edited = await admin.patch(f"/api/schedules/{schedule['id']}", more)
        assert (edited.status, edited.fields) == (422, errors), more
    assert (await admin.get("/api/schedules")).json["items"] == [schedule]


async def test_an_edit_changes_what_it_names(office: Office, admin: Caller) -> None:
    schedule = await made(admin, hours=ALWAYS, holidays="FR")
    path = f"/api/schedules/{schedule['id']}"
    edited = await admin.patch(path, {"hours": [], "name": "Nobody"})
    wanted = {**unversioned(schedule), "hours": [], "name": "Nobody", "open_now": False}
    assert unversioned(edited.json) == wanted
    await made(admin, name="Day")
    taken = await admin.patch(path, {"name": "Day"})
    assert (taken.status, taken.fields) == (409, {"name": "name_taken"})
    assert (await admin.post("/api/schedules", {"name": "Day"})).fields == {"name": "name_taken"}


async def test_a_schedule_that_numbers_follow_stays(office: Office, admin: Caller) -> None:
    schedule = await made(admin)
    numbers = {
        "site_id": str(office.site.id),
        "number": "0123456700",
        "last": "0123456701",
        "schedule_id": schedule["id"],
    }
    rows = (await admin.post("/api/dids", numbers)).json["items"]
    path = f"/api/schedules/{schedule['id']}"
    refused = await admin.delete(path)
    assert (refused.status, refused.code) == (409, "schedule_in_use")
    assert "2" in refused.json["detail"]
    for row in rows:
        await admin.patch(f"/api/dids/{row['id']}", {"schedule_id": None})
    assert (await admin.delete(path)).status == 204
    assert (office.announced[-1].key, office.announced[-1].deleted) == (f"schedule:{schedule['id']}", True)
    assert (await admin.get(path)).status == 404


async def test_another_organisation_cannot_touch_it(office: Office, admin: Caller) -> None:
    schedule = await made(admin)
    elsewhere = await office.tenant("elsewhere")
    site = await office.site_of(elsewhere, "elsewhere-1")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    path = f"/api/schedules/{schedule['id']}"
    answers = [await spy.get(path), await spy.patch(path, {"name": "x"}), await spy.delete(path)]
    assert [answer.status for answer in answers] == [404, 404, 404]
    pointed = {"site_id": str(site.id), "number": "0123456789", "schedule_id": schedule["id"]}
    assert (await spy.post("/api/dids", pointed)).fields == {"schedule_id": "unknown"}
    assert (await spy.get("/api/schedules")).json["items"] == []
    assert (await spy.post("/api/schedules", {"name": "Day"})).status == 201
