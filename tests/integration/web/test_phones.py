"""Phones over HTTP: stations of agents, physical phones in ranges, secrets shown once, accounts fetched once."""

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.storage.directory import load_directory, load_phone_secrets

from tests.rig.office import Caller, Office, unversioned

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def _new(office: Office, extension: str = "1801", **more: Any) -> dict[str, Any]:
    return {"site_id": str(office.site.id), "extension": extension, **more}


def _agent(office: Office, login: str = "anna", **more: Any) -> dict[str, Any]:
    return {"login": login, "role": "AGENT", "site_id": str(office.site.id), **more}


async def _extensions(caller: Caller, query: str = "") -> list[str]:
    return [row["extension"] for row in (await caller.get(f"/api/phones{query}")).json["items"]]


async def _secrets(office: Office) -> dict[str, str]:
    async with office.database.system() as connection:
        return {row.extension: row.secret for row in await load_phone_secrets(connection, office.vault)}


async def test_a_physical_phone_is_made_with_a_secret_shown_once(office: Office, admin: Caller) -> None:
    made = await admin.post("/api/phones", _new(office, label="Meeting room"))
    assert made.status == 201
    assert made.headers["Cache-Control"] == "no-store"
    [item] = made.json["items"]
    assert item["phone"] == {
        "id": item["phone"]["id"],
        "kind": "physical",
        "extension": "1801",
        "user_id": None,
        "user": "",
        "site_id": str(office.site.id),
        "label": "Meeting room",
        "mobile": "",
        "version": item["phone"]["version"],
    }
    assert await _secrets(office) == {"1801": item["secret"]}
    listed = await admin.get("/api/phones")
    assert listed.json["items"] == [item["phone"]]
    assert item["secret"].encode() not in listed.body
    async with office.database.system() as connection:
        directory = await load_directory(connection)
        audit = await connection.fetch("SELECT action, detail FROM audit_log WHERE action LIKE 'phone%'")
    assert [(phone.extension, phone.label) for phone in directory.phones] == [("1801", "Meeting room")]
    assert [line["action"] for line in audit] == ["phone.create"]
    assert item["secret"] not in str(audit)
    [change] = [change for change in office.announced if change.topic == "phones"]
    assert (change.key, msgspec.json.decode(change.row)) == (item["phone"]["id"], item["phone"])
    assert (change.tenant_id, change.site_id) == (office.tenant_id, office.site.id)
    assert len(office.directory_changes) == 1


async def test_a_range_is_made_whole_or_not_at_all(office: Office, admin: Caller) -> None:
    made = await admin.post("/api/phones", _new(office, "1800", last="1899", label="Floor 2"))
    assert made.status == 201
    items = made.json["items"]
    assert [item["phone"]["extension"] for item in items] == [str(n) for n in range(1800, 1900)]
    assert len({item["secret"] for item in items}) == 100
    assert len({item["provisioning"]["items"][0]["url"] for item in items}) == 100
    taken = await admin.post("/api/phones", _new(office, "1890", last="1910"))
    assert (taken.status, taken.code) == (409, "extensions_taken")
    assert "1890, 1891, 1892, 1893, 1894…" in taken.json["detail"]
    assert len(await _extensions(admin, "?limit=200")) == 100
    one = await admin.post("/api/phones", _new(office, "1890"))
    assert (one.status, one.fields) == (409, {"extension": "extension_taken"})


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"extension": "1"}, {"extension": "extension_format"}),
        ({"extension": "12&34"}, {"extension": "extension_format"}),
        ({"extension": "${X}"}, {"extension": "extension_format"}),
        ({"extension": "15"}, {"extension": "extension_emergency"}),
        ({"extension": "1234567"}, {"extension": "extension_format"}),
        ({"last": "1800"}, {"last": "range_order"}),
        ({"last": "1901"}, {"last": "range_too_long"}),
        ({"last": "18010"}, {"last": "range_lengths"}),
        ({"extension": "111", "last": "120"}, {"last": "extension_emergency"}),
        ({"site_id": str(uuid4())}, {"site_id": "unknown"}),
        ({"label": "x" * 81}, {"label": "too_long"}),
        ({"label": "a\r\nb"}, {"label": "control_character"}),
        ({"kind": "browser"}, {"kind": "unknown_field"}),
    ],
)
async def test_what_is_wrong_is_named(
    office: Office, admin: Caller, more: dict[str, Any], fields: dict[str, str]
) -> None:
    answer = await admin.post("/api/phones", {**_new(office), **more})
    assert (answer.status, answer.fields) == (422, fields)
    assert await _extensions(admin) == []


async def test_an_extension_is_nobodys_twice_whatever_the_organisation(office: Office, admin: Caller) -> None:
    elsewhere = await office.tenant("elsewhere")
    site = await office.site_of(elsewhere, "elsewhere-1")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    await admin.post("/api/phones", _new(office, "1801"))
    await admin.post("/api/users", _agent(office, extension="1802"))
    for extension in ("1801", "1802"):
        answer = await spy.post("/api/phones", {"site_id": str(site.id), "extension": extension})
        assert answer.code == "extension_taken"
    answer = await spy.post("/api/phones", {"site_id": str(site.id), "extension": "1800", "last": "1803"})
    assert answer.code == "extensions_taken"
    assert (await admin.post("/api/users", _agent(office, "bob", extension="1801"))).code == "extension_taken"
    assert await _extensions(spy) == []
    phone = (await admin.get("/api/phones")).json["items"][0]
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/reset")):
        answer = await spy.send(method, f"/api/phones/{phone['id']}{path}", {} if method == "PATCH" else None)
        assert answer.status == 404
    assert (await spy.post("/api/phones", _new(office, "1900"))).fields == {"site_id": "unknown"}


async def test_phones_are_listed_by_extension_and_found(office: Office, admin: Caller) -> None:
    lyon = await office.site_of(office.tenant_id, "lyon")
    await admin.post("/api/phones", _new(office, "1801", last="1803", label="Hall"))
    await admin.post("/api/phones", {"site_id": str(lyon.id), "extension": "201", "label": "Door"})
    await admin.post("/api/users", _agent(office, first_name="Zoé", extension="1001"))
    await admin.post(
        "/api/users", _agent(office, "bob", extension="1002", station="mobile", mobile="06 12 34 56 78")
    )
    await admin.post("/api/users", _agent(office, "carl", extension="1003", station="browser"))
    everything = ["201", "1001", "1002", "1003", "1801", "1802", "1803"]
    assert await _extensions(admin) == everything
    assert await _extensions(admin, f"?site={lyon.id}") == ["201"]
    assert await _extensions(admin, "?kind=physical") == ["201", "1801", "1802", "1803"]
    assert await _extensions(admin, "?kind=mobile") == ["1002"]
    assert await _extensions(admin, "?text=zo%C3%A9") == ["1001"]
    assert await _extensions(admin, "?text=hall") == ["1801", "1802", "1803"]
    assert await _extensions(admin, "?text=336123") == ["1002"]
    assert await _extensions(admin, "?text=%25") == []
    seen: list[str] = []
    after = ""
    while True:
        page = (await admin.get(f"/api/phones?limit=3&after={after}")).json
        seen += [row["extension"] for row in page["items"]]
        after = page["next"]
        if not after:
            break
    assert seen == everything
    for query, field in (
        ("after=x", "after"),
        ("kind=fax", "kind"),
        ("limit=0", "limit"),
        ("site=paris", "site"),
    ):
        assert list((await admin.get(f"/api/phones?{query}")).fields) == [field]


async def test_a_physical_phone_moves_and_goes(office: Office, admin: Caller) -> None:
    lyon = await office.site_of(office.tenant_id, "lyon")
    phone = (await admin.post("/api/phones", _new(office))).json["items"][0]["phone"]
    path = f"/api/phones/{phone['id']}"
    moved = await admin.patch(path, {"site_id": str(lyon.id), "extension": "1802", "label": " Door "})
    wanted = {**unversioned(phone), "site_id": str(lyon.id), "extension": "1802", "label": "Door"}
    assert unversioned(moved.json) == wanted
    assert unversioned((await admin.patch(path, {})).json) == wanted
    assert (await admin.patch(path, {"extension": "17"})).fields == {"extension": "extension_emergency"}
    assert (await admin.patch(path, {"site_id": str(uuid4())})).fields == {"site_id": "unknown"}
    assert (await admin.send("DELETE", path)).status == 204
    assert (await admin.send("DELETE", path)).status == 404
    assert await _extensions(admin) == []
    last = [change for change in office.announced if change.topic == "phones"][-1]
    assert last.deleted and (last.key, last.tenant_id) == (phone["id"], office.tenant_id)


async def test_a_phone_that_numbers_lead_to_stays(office: Office, admin: Caller) -> None:
    phone = (await admin.post("/api/phones", _new(office))).json["items"][0]["phone"]
    user = (await admin.post("/api/users", _agent(office, extension="1001"))).json["user"]
    for number, opened in (
        ("0123456789", {"target": "phone", "phone_id": phone["id"]}),
        ("0123456790", {"target": "agent", "user_id": user["id"]}),
    ):
        did = {"site_id": str(office.site.id), "number": number, "opened": opened}
        assert (await admin.post("/api/dids", did)).status == 201
    refused = await admin.send("DELETE", f"/api/phones/{phone['id']}")
    assert (refused.status, refused.code) == (409, "phone_in_use")
    assert "+33123456789" in refused.json["detail"]
    taken = await admin.patch(f"/api/users/{user['id']}", {"extension": None, "last_name": "Noir"})
    assert (taken.status, taken.code) == (409, "phone_in_use")
    assert (await admin.get(f"/api/users/{user['id']}")).json == user
    # Its agent may change the way it rings all the same.
    mobile = {"station": "mobile", "mobile": "0612345678"}
    assert (await admin.patch(f"/api/users/{user['id']}", mobile)).status == 200


async def test_an_agents_phone_is_changed_with_its_agent(office: Office, admin: Caller) -> None:
    user = (await admin.post("/api/users", _agent(office, extension="1001"))).json["user"]
    path = f"/api/phones/{user['phone_id']}"
    assert (await admin.patch(path, {"label": "x"})).code == "phone_of_user"
    assert (await admin.send("DELETE", path)).code == "phone_of_user"
    before = await _secrets(office)
    office.announced.clear()
    reset = (await admin.post(f"{path}/reset")).json
    # Open pages learn the version that it has now, or their next change of it would be refused.
    [told] = [msgspec.json.decode(change.row) for change in office.announced if change.topic == "phones"]
    assert told == reset["phone"] == (await admin.get(path)).json
    assert reset["phone"]["user_id"] == user["id"] and reset["secret"] != before["1001"]
    assert await _secrets(office) == {"1001": reset["secret"]}
    chief = await office.browser(await office.person("chief", Role.SUPER_ADMIN))
    own = (await chief.get("/api/me")).json["id"]
    phone_id = (await chief.patch(f"/api/users/{own}", {"extension": "1002"})).json["user"]["phone_id"]
    assert (await admin.post(f"/api/phones/{phone_id}/reset")).code == "role_not_granted"


async def test_the_station_of_an_agent(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _agent(office, extension="1001"))).json
    path = f"/api/users/{made['user']['id']}"
    assert (made["user"]["station"], made["user"]["mobile"]) == ("softphone", "")
    assert made["provisioning"]["username"] == "1001"
    needs = await admin.patch(path, {"station": "mobile"})
    assert needs.fields == {"mobile": "required"}
    assert (await admin.patch(path, {"station": "mobile", "mobile": "15"})).fields == {
        "mobile": "number_short"
    }
    mobile = (await admin.patch(path, {"station": "mobile", "mobile": "06 12 34 56 78"})).json
    assert (mobile["user"]["station"], mobile["user"]["mobile"]) == ("mobile", "+33612345678")
    assert "sip_secret" not in mobile and "provisioning" not in mobile
    async with office.database.system() as connection:
        directory = await load_directory(connection)
    agent = directory.agent_by_extension("1001")
    assert agent is not None and (agent.station, agent.mobile) == ("mobile", "+33612345678")
    assert (await admin.post(f"{path}/reset-phone")).code == "no_phone"
    assert (await admin.post(f"/api/phones/{mobile['user']['phone_id']}/reset")).code == "no_phone"
    back = (await admin.patch(path, {"station": "browser"})).json
    assert (back["user"]["station"], back["user"]["mobile"]) == ("browser", "")
    # Nobody knew the secret of the mobile. A browser is set up by our own page.
    assert back["sip_secret"] and back["sip_secret"] != made["sip_secret"] and "provisioning" not in back
    kept = (await admin.patch(path, {"station": "softphone"})).json
    assert "sip_secret" not in kept
    gone = (await admin.patch(path, {"extension": None})).json["user"]
    assert (gone["extension"], gone["phone_id"], gone["station"]) == ("", None, "")
    assert (await admin.patch(path, {"station": "browser"})).fields == {
        "extension": "station_without_extension"
    }
    assert (await admin.patch(path, {"first_name": "Anna"})).status == 200
    phones = [change for change in office.announced if change.topic == "phones"]
    assert [change.deleted for change in phones] == [False] * 4 + [True]


async def test_a_phone_follows_its_agents_name_and_site(office: Office, admin: Caller) -> None:
    lyon = await office.site_of(office.tenant_id, "lyon")
    user = (await admin.post("/api/users", _agent(office, extension="1001"))).json["user"]
    await admin.patch(f"/api/users/{user['id']}", {"last_name": "Noir", "site_id": str(lyon.id)})
    last = [change for change in office.announced if change.topic == "phones"][-1]
    row = msgspec.json.decode(last.row)
    assert (row["user"], row["site_id"], last.site_id) == ("Noir", str(lyon.id), lyon.id)


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({"extension": "1234567"}, {"extension": "extension_format"}),
        ({"extension": "112"}, {"extension": "extension_emergency"}),
        ({"station": "mobile", "extension": "1001"}, {"mobile": "required"}),
        ({"station": "mobile", "mobile": "0612345678"}, {"extension": "station_without_extension"}),
        ({"station": "physical", "extension": "1001"}, {"station": "not_a_choice"}),
        ({"station": "mobile", "extension": "1001", "mobile": "06,12"}, {"mobile": "number_format"}),
    ],
)
async def test_stations_that_are_refused(
    office: Office, admin: Caller, more: dict[str, Any], fields: dict[str, str]
) -> None:
    answer = await admin.post("/api/users", _agent(office, **more))
    assert (answer.status, answer.fields) == (422, fields)


async def test_linphone_fetches_its_account_once(office: Office, admin: Caller) -> None:
    item = (await admin.post("/api/phones", _new(office, label="Hall"))).json["items"][0]
    told = {one["client"]: one for one in item["provisioning"]["items"]}
    address = urlsplit(told["linphone"]["url"])
    assert (
        address.netloc == f"127.0.0.1:{office.server.port}" and item["secret"] not in told["linphone"]["url"]
    )
    phone = await office.caller()
    # What is not Linphone spends nothing: a browser, a preview's HEAD.
    page = await phone.get(address.path, headers={"Accept": "text/html,*/*"})
    assert (page.status, page.code) == (406, "provision_scan")
    assert (await phone.send("HEAD", address.path)).status == 406
    fetched = await phone.get(address.path)
    assert (fetched.status, fetched.headers["Cache-Control"]) == (200, "no-store")
    assert fetched.headers["Content-Type"].startswith("application/xml")
    assert fetched.body.decode() == told["linphone"]["text"]
    entries = {
        entry.attrib["name"]: entry.text
        for entry in ET.fromstring(fetched.body).iter()
        if "name" in entry.attrib
    }
    assert (entries["username"], entries["passwd"]) == ("1801", item["secret"])
    again = await phone.get(address.path)
    assert (again.status, again.code) == (404, "not_found")
    async with office.database.system() as connection:
        lines = await connection.fetch("SELECT * FROM audit_log WHERE action = 'phone.provision'")
        stored = await connection.fetchval("SELECT token_hash FROM provisioning_tickets")
    ticket = address.path.rpartition("/")[2]
    assert len(lines) == 1 and str(lines[0]["target"]) == item["phone"]["id"]
    assert ticket not in str(lines) and item["secret"] not in str(lines)
    assert ticket.encode() not in stored


async def test_a_ticket_is_over_after_a_quarter_of_an_hour_or_with_its_secret(
    office: Office, admin: Caller
) -> None:
    phone = await office.caller()

    def path_of(answer: Any) -> str:
        return urlsplit(answer["provisioning"]["items"][0]["url"]).path

    made = (await admin.post("/api/phones", _new(office))).json["items"][0]
    anew = (await admin.post(f"/api/phones/{made['phone']['id']}/reset")).json
    assert (await phone.get(path_of(made))).status == 404
    office.clock.pass_seconds(14 * 60)
    assert (await phone.get(path_of(anew))).status == 200
    late = (await admin.post(f"/api/phones/{made['phone']['id']}/reset")).json
    office.clock.pass_seconds(15 * 60)
    assert (await phone.get(path_of(late))).status == 404


async def test_a_ticket_of_somebody_who_left_opens_nothing(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _agent(office, extension="1001"))).json
    path = urlsplit(made["provisioning"]["items"][0]["url"]).path
    await admin.patch(f"/api/users/{made['user']['id']}", {"active": False})
    assert (await (await office.caller()).get(path)).status == 404


async def test_a_ticket_goes_with_its_phone_or_its_extension(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _agent(office, extension="1001"))).json
    path = urlsplit(made["provisioning"]["items"][0]["url"]).path
    await admin.patch(f"/api/users/{made['user']['id']}", {"extension": "1002"})
    assert (await (await office.caller()).get(path)).status == 404
    async with office.database.system() as connection:
        assert await connection.fetchval("SELECT count(*) FROM provisioning_tickets") == 0


async def test_who_guesses_at_tickets_is_slowed_down_and_still_logs_in(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/phones", _new(office))).json["items"][0]
    office.clock.stop()
    guesser = await office.caller()
    statuses = [(await guesser.get(f"/provision/{uuid4().hex}")).status for _ in range(22)]
    assert statuses == [404] * 21 + [429]
    right = await guesser.get(urlsplit(made["provisioning"]["items"][0]["url"]).path)
    assert right.status == 429 and "Retry-After" in right.headers
    assert (await guesser.login("root")).status == 200


async def test_only_who_manages_sites_sees_phones(office: Office) -> None:
    for role in (Role.AGENT, Role.SUPERVISOR):
        browser = await office.browser(await office.person(f"a{role.lower()}", role))
        assert (await browser.get("/api/phones")).status == 403
        assert (await browser.post("/api/phones", _new(office))).status == 403
    assert (await (await office.caller()).get("/api/phones")).status == 401
