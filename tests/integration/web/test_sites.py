"""Sites, trunks and numbers over HTTP."""

from typing import Any

import msgspec
import pytest
from ccserver.domain.access import Role

from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


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


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"slug": "Lyon"}, "slug", "wrong_format"),
        ({"slug": "-lyon"}, "slug", "wrong_format"),
        ({"slug": "lyon]"}, "slug", "wrong_format"),
        ({"name": "  "}, "name", "required"),
        ({"zone": "Europe/Lyon"}, "zone", "zone_unknown"),
        ({"zone": "../../etc/passwd"}, "zone", "zone_unknown"),
        ({"country": "ZZ"}, "country", "country_unknown"),
        ({"country": "fr"}, "country", "country_unknown"),
        ({"caller_id": "15"}, "caller_id", "number_short"),
        ({"caller_id": "hello"}, "caller_id", "number_format"),
        ({"caller_id": "0"}, "caller_id", "number_unknown"),
    ],
)
async def test_a_wrong_site_is_named(admin: Caller, more: dict[str, Any], field: str, code: str) -> None:
    answer = await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon", **more})
    assert (answer.status, answer.fields) == (422, {field: code})


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"host": "10.0.0"}, "host", "host_format"),
        ({"host": "10.0.0.256"}, "host", "host_format"),
        ({"host": "host name"}, "host", "host_format"),
        ({"host": "host;transport=tcp"}, "host", "host_format"),
        ({"host": "-host"}, "host", "host_format"),
        ({"host": "fe80::1%eth0"}, "host", "host_format"),
        ({"host": "[::1]"}, "host", "host_format"),
        ({"port": 0}, "port", "too_small"),
        ({"port": 65536}, "port", "too_big"),
        ({"port": "5060"}, "port", "wrong_type"),
        ({"codecs": ["alaw", "mp3"]}, "codecs[1]", "codec_unknown"),
        ({"codecs": []}, "codecs", "required"),
        ({"slug": "a b"}, "slug", "wrong_format"),
    ],
)
async def test_a_wrong_trunk_is_named(
    office: Office, admin: Caller, more: dict[str, Any], field: str, code: str
) -> None:
    body = {"site_id": str(office.site.id), "slug": "t", "host": "10.0.0.1", **more}
    answer = await admin.post("/api/trunks", body)
    assert (answer.status, answer.fields) == (422, {field: code})


@pytest.mark.parametrize("host", ["10.0.0.1", "2001:db8::1", "gw", "gw.example.org", "gw.example.org."])
async def test_hosts_that_are_right(office: Office, admin: Caller, host: str) -> None:
    body = {"site_id": str(office.site.id), "slug": "t", "host": host}
    assert (await admin.post("/api/trunks", body)).status == 201


async def test_what_is_taken_is_named(office: Office, admin: Caller) -> None:
    site = str(office.site.id)
    assert (await admin.post("/api/sites", {"slug": "paris", "name": "X"})).fields == {"slug": "slug_taken"}
    assert (await admin.post("/api/sites", {"slug": "x", "name": "Paris"})).fields == {"name": "name_taken"}
    trunk = {"site_id": site, "slug": "t", "host": "10.0.0.1"}
    await admin.post("/api/trunks", trunk)
    assert (await admin.post("/api/trunks", {**trunk, "host": "10.0.0.2"})).code == "slug_taken"
    assert (await admin.post("/api/trunks", {**trunk, "slug": "u"})).fields == {"host": "address_taken"}
    did = {"site_id": site, "number": "0123456789"}
    await admin.post("/api/dids", did)
    assert (await admin.post("/api/dids", {**did, "number": "+33 123 456 789"})).code == "number_taken"
