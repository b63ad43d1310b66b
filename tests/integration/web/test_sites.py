"""Sites over HTTP: made, edited, deleted, and what is refused."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role

from tests.rig.office import Caller, Office, unversioned

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def made(admin: Caller, **more: Any) -> Any:
    answer = await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon", **more})
    assert answer.status == 201, answer.body
    return answer.json


async def test_a_site_with_trunk_and_number(office: Office, admin: Caller) -> None:
    site = await admin.post(
        "/api/sites", {"slug": "lyon", "name": "Lyon", "caller_id": "04 78 12 34 56", "country": "FR"}
    )
    assert (site.status, site.json["caller_id"], site.json["zone"]) == (201, "+33478123456", "Europe/Paris")
    trunk = await admin.post(
        "/api/trunks", {"site_id": site.json["id"], "slug": "lyon-1", "host": "Yeastar.Example.ORG"}
    )
    assert (trunk.status, trunk.json["host"], trunk.json["port"]) == (201, "yeastar.example.org", 5060)
    assert trunk.json["codecs"] == ["alaw", "ulaw"]
    did = await admin.post("/api/dids", {"site_id": site.json["id"], "number": "+33 4 78 12 34 57"})
    assert (did.status, did.json["number"]) == (201, "+33478123457")
    assert [s["slug"] for s in (await admin.get("/api/sites")).json["items"]] == ["lyon", "paris"]
    assert [t["slug"] for t in (await admin.get("/api/trunks")).json["items"]] == ["lyon-1"]
    assert [d["number"] for d in (await admin.get("/api/dids")).json["items"]] == ["+33478123457"]
    changes = [change for change in office.announced if change.topic == "sites"]
    assert [change.key.split(":")[0] for change in changes] == ["site", "trunk", "did"]
    assert {str(change.site_id) for change in changes} == {site.json["id"]}
    assert changes[1].row is not None and msgspec.json.decode(changes[1].row) == trunk.json
    assert len(office.directory_changes) == 3


async def test_a_site_as_asterisk_needs_it(admin: Caller) -> None:
    site = await made(
        admin,
        area="4",
        subnets=["10.2.0.0/24", "2001:db8::/48", "10.3.0.9"],
        codecs=["opus", "alaw"],
        allowed_prefixes=["+33", "+32 2"],
    )
    assert site["subnets"] == ["10.2.0.0/24", "2001:db8::/48", "10.3.0.9/32"]
    assert (site["area"], site["codecs"], site["allowed_prefixes"]) == (
        "4",
        ["opus", "alaw"],
        ["+33", "+322"],
    )
    assert (await admin.get(f"/api/sites/{site['id']}")).json == site


async def test_an_edit_changes_what_it_names(office: Office, admin: Caller) -> None:
    site = await made(admin, area="4", subnets=["10.2.0.0/24"], caller_id="0478123456")
    edited = await admin.patch(f"/api/sites/{site['id']}", {"name": " Lyon Part-Dieu ", "subnets": []})
    wanted = {**unversioned(site), "name": "Lyon Part-Dieu", "subnets": []}
    assert (edited.status, unversioned(edited.json)) == (200, wanted)
    assert (await admin.get(f"/api/sites/{site['id']}")).json == edited.json
    told = office.announced[-1]
    assert (told.topic, told.key, str(told.site_id)) == ("sites", f"site:{site['id']}", site["id"])
    assert msgspec.json.decode(told.row) == edited.json
    assert len(office.directory_changes) == 2
    async with office.database.system() as connection:
        detail = await connection.fetchval("SELECT detail FROM audit_log WHERE action = 'site.edit'")
    assert msgspec.json.decode(detail) == {
        "name": "Lyon -> Lyon Part-Dieu",
        "subnets": '["10.2.0.0/24"] -> []',
    }


async def test_the_slug_stays(admin: Caller) -> None:
    site = await made(admin)
    answer = await admin.patch(f"/api/sites/{site['id']}", {"slug": "other"})
    assert (answer.status, answer.fields) == (422, {"slug": "unknown_field"})


async def test_another_country_reads_the_caller_id_anew(admin: Caller) -> None:
    site = await made(admin)
    answer = await admin.patch(f"/api/sites/{site['id']}", {"country": "BE", "caller_id": "02 549 77 11"})
    assert answer.json["caller_id"] == "+3225497711"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"slug": "Lyon"}, "slug", "slug_format"),
    ({"slug": "-lyon"}, "slug", "slug_format"),
    ({"slug": "lyon]"}, "slug", "slug_format"),
    ({"name": "  "}, "name", "required"),
    ({"zone": "Europe/Lyon"}, "zone", "zone_unknown"),
    ({"zone": "../../etc/passwd"}, "zone", "zone_unknown"),
    ({"country": "ZZ"}, "country", "country_unknown"),
    ({"country": "fr"}, "country", "country_unknown"),
    ({"caller_id": "15"}, "caller_id", "number_short"),
    ({"caller_id": "hello"}, "caller_id", "number_format"),
    ({"caller_id": "0"}, "caller_id", "number_unknown"),
    ({"area": "a"}, "area", "area_format"),
    ({"subnets": ["10.1.0.7/24"]}, "subnets[0]", "network_host_bits"),
    ({"subnets": ["10.1.0.0/24", "10.1"]}, "subnets[1]", "network_format"),
    ({"subnets": ["0.0.0.0/0"]}, "subnets[0]", "network_too_wide"),
    ({"codecs": ["mp3"]}, "codecs[0]", "codec_unknown"),
    ({"codecs": []}, "codecs", "required"),
    ({"allowed_prefixes": ["33"]}, "allowed_prefixes[0]", "prefix_format"),
]


async def test_wrong_sites_are_named(admin: Caller) -> None:
    site = await made(admin, slug="right", name="Right")
    for more, field, code in WRONG:
        answer = await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon", **more})
        assert (answer.status, answer.fields) == (422, {field: code}), more
        if field != "slug":
            edited = await admin.patch(f"/api/sites/{site['id']}", more)
            assert (edited.status, edited.fields) == (422, {field: code}), more
    assert (await admin.get(f"/api/sites/{site['id']}")).json == site


async def test_a_host_address_is_told_its_network_in_the_callers_language(admin: Caller) -> None:
    body = {"slug": "lyon", "name": "Lyon", "subnets": ["10.1.0.7/24"]}
    answer = await admin.post("/api/sites", body)
    (error,) = answer.json["errors"]
    assert "10.1.0.0/24" in error["message"]
    assert "réseau" in error["message"]


async def test_what_is_taken_is_named(admin: Caller) -> None:
    assert (await admin.post("/api/sites", {"slug": "paris", "name": "X"})).fields == {"slug": "slug_taken"}
    assert (await admin.post("/api/sites", {"slug": "x", "name": "Paris"})).fields == {"name": "name_taken"}
    site = await made(admin)
    renamed = await admin.patch(f"/api/sites/{site['id']}", {"name": "Paris"})
    assert (renamed.status, renamed.fields) == (409, {"name": "name_taken"})


async def test_networks_that_would_leave_a_gateway_outside(admin: Caller) -> None:
    site = await made(admin, subnets=["10.2.0.0/24", "10.3.0.0/24"])
    gateway = {"site_id": site["id"], "preset": "yeastar_s", "slug": "gw", "host": "10.2.0.5"}
    assert (await admin.post("/api/trunks", gateway)).status == 201
    operator = {"site_id": site["id"], "preset": "generic", "slug": "op", "host": "192.0.2.5"}
    assert (await admin.post("/api/trunks", operator)).status == 201
    narrowed = await admin.patch(f"/api/sites/{site['id']}", {"subnets": ["10.3.0.0/24"]})
    assert (narrowed.status, narrowed.fields) == (422, {"subnets": "trunk_outside_vpn"})
    assert "gw" in narrowed.json["errors"][0]["message"]
    assert (await admin.patch(f"/api/sites/{site['id']}", {"subnets": ["10.2.0.0/28"]})).status == 200
    assert (await admin.patch(f"/api/sites/{site['id']}", {"subnets": []})).status == 200


async def test_a_site_is_deleted(office: Office, admin: Caller) -> None:
    site = await made(admin)
    assert (await admin.delete(f"/api/sites/{site['id']}")).status == 204
    assert (await admin.get(f"/api/sites/{site['id']}")).status == 404
    told = office.announced[-1]
    assert (told.topic, told.key, told.deleted) == ("sites", f"site:{site['id']}", True)
    assert len(office.directory_changes) == 2
    assert (await admin.delete(f"/api/sites/{site['id']}")).status == 404


async def test_a_site_in_use_stays_and_tells_what_uses_it(office: Office, admin: Caller) -> None:
    site = office.site.id
    await admin.post("/api/trunks", {"site_id": str(site), "slug": "t", "host": "10.0.0.1"})
    await admin.post("/api/dids", {"site_id": str(site), "number": "0123456700", "last": "0123456702"})
    answer = await admin.delete(f"/api/sites/{site}")
    assert (answer.status, answer.code) == (409, "site_in_use")
    numbers = [
        int(word.rstrip(".,")) for word in answer.json["detail"].split() if word.rstrip(".,").isdigit()
    ]
    assert numbers == [1, 0, 3, 1]  # users (root works there), phones, numbers, trunks
    assert (await admin.get(f"/api/sites/{site}")).status == 200
    assert [t["slug"] for t in (await admin.get("/api/trunks")).json["items"]] == ["t"]
    assert not [change for change in office.announced if change.deleted]


async def test_a_supervisors_scope_holds_a_site(office: Office, admin: Caller) -> None:
    """Without the last site of the list, the supervisor would see every site."""
    site = await made(admin)
    body = {"login": "chef", "role": "SUPERVISOR", "site_ids": [site["id"]]}
    assert (await admin.post("/api/users", body)).status == 201
    assert (await admin.delete(f"/api/sites/{site['id']}")).code == "site_in_use"


async def test_what_does_not_exist_is_not_found(admin: Caller) -> None:
    unknown = f"/api/sites/{uuid4()}"
    for answer in (
        await admin.get(unknown),
        await admin.patch(unknown, {"name": "X"}),
        await admin.delete(unknown),
        await admin.get("/api/sites/paris"),
    ):
        assert (answer.status, answer.code) == (404, "not_found")


async def test_another_organisation_cannot_touch_it(office: Office, admin: Caller) -> None:
    elsewhere = await office.tenant("elsewhere")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    mine = f"/api/sites/{office.site.id}"
    assert (await spy.get(mine)).status == 404
    assert (await spy.patch(mine, {"name": "Mine"})).status == 404
    assert (await spy.delete(mine)).status == 404
    assert (await admin.get(mine)).json["name"] == "Paris"
