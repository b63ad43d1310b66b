"""Trunks over HTTP: presets, logins, addresses that are somebody's, and secrets that never come back."""

import asyncio
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.storage.directory import load_trunk_secrets

from tests.rig.office import Caller, Office, unversioned

pytestmark = pytest.mark.postgres

SECRET = "s3cret-of-the-operator"


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def body(office: Office, **more: Any) -> dict[str, Any]:
    return {"site_id": str(office.site.id), "slug": "t", "host": "10.0.0.1", **more}


async def made(office: Office, admin: Caller, **more: Any) -> Any:
    answer = await admin.post("/api/trunks", body(office, **more))
    assert answer.status == 201, answer.body
    return answer.json


async def secrets(office: Office) -> dict[str, str]:
    async with office.database.system() as connection:
        found = await load_trunk_secrets(connection, office.vault)
    return {str(row.trunk_id): row.secret for row in found}


async def test_presets_tell_what_they_want(office: Office, admin: Caller) -> None:
    presets = {row["preset"]: row for row in (await admin.get("/api/trunk-presets")).json["items"]}
    assert list(presets) == ["yeastar_s", "yeastar_p", "ovh", "generic"]
    assert presets["ovh"]["needs"] == ["username", "secret"]
    assert presets["ovh"]["mode"] == "register"
    assert presets["yeastar_s"]["label"] == "Passerelle Yeastar série S"
    for index, (preset, row) in enumerate(presets.items()):
        mine = {"host": f"10.0.1.{index}", "username": "0033123456789", "secret": SECRET}
        needed = {name: mine[name] for name in row["needs"]}
        site_id = str(office.site.id)
        answer = await admin.post(
            "/api/trunks", {"site_id": site_id, "slug": f"t{index}", "preset": preset, **needed}
        )
        assert answer.status == 201, answer.body
        kept = {
            name: answer.json[name]
            for name in ("mode", "port", "transport", "number_format", "qualify_seconds")
        }
        assert kept == {name: row[name] for name in kept}
        assert answer.json["host"] == (row["host"] or mine["host"])


async def test_a_secret_is_sealed_and_never_told(office: Office, admin: Caller) -> None:
    login = {"mode": "register", "host": "sip.example.org", "username": "acme-1", "secret": SECRET}
    trunk = await made(office, admin, **login)
    assert trunk["has_secret"] is True
    assert "secret" not in trunk
    assert await secrets(office) == {trunk["id"]: SECRET}
    async with office.database.system() as connection:
        sealed = await connection.fetchval("SELECT secret_encrypted FROM trunks")
        audits = await connection.fetch("SELECT detail FROM audit_log")
    assert SECRET.encode() not in sealed
    path = f"/api/trunks/{trunk['id']}"
    kept = await admin.patch(path, {"name": "Operator"})
    assert kept.json["has_secret"] is True
    assert await secrets(office) == {trunk["id"]: SECRET}
    changed = await admin.patch(path, {"secret": "another-secret"})
    assert changed.json["has_secret"] is True
    assert await secrets(office) == {trunk["id"]: "another-secret"}
    for gone in ("", None):
        refused = await admin.patch(path, {"secret": gone})
        assert (refused.status, refused.fields) == (422, {"secret": "required"})
    peer = await admin.patch(path, {"mode": "peer", "username": ""})
    assert (peer.status, peer.json["has_secret"]) == (200, False)
    assert await secrets(office) == {}
    told = [bytes(change.row) for change in office.announced] + [row["detail"].encode() for row in audits]
    told += [(await admin.get("/api/trunks")).body, kept.body, changed.body]
    assert not [text for text in told if SECRET.encode() in text or b"another-secret" in text]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"host": "10.0.0"}, "host", "host_format"),
    ({"host": "10.0.0.256"}, "host", "host_format"),
    ({"host": "host name"}, "host", "host_format"),
    ({"host": "host;transport=tcp"}, "host", "host_format"),
    ({"host": "-host"}, "host", "host_format"),
    ({"host": "fe80::1%eth0"}, "host", "host_format"),
    ({"host": "[::1]"}, "host", "host_format"),
    ({"host": ""}, "host", "host_format"),
    ({"port": 0}, "port", "too_small"),
    ({"port": 65536}, "port", "too_big"),
    ({"port": "5060"}, "port", "wrong_type"),
    ({"codecs": ["alaw", "mp3"]}, "codecs[1]", "codec_unknown"),
    ({"codecs": []}, "codecs", "required"),
    ({"slug": "a b"}, "slug", "slug_format"),
    ({"mode": "iax"}, "mode", "not_a_choice"),
    ({"preset": "cisco"}, "preset", "not_a_choice"),
    ({"transport": "sctp"}, "transport", "not_a_choice"),
    ({"number_format": "roman"}, "number_format", "not_a_choice"),
    ({"dial_prefix": "0,"}, "dial_prefix", "dial_prefix_format"),
    ({"qualify_seconds": -1}, "qualify_seconds", "too_small"),
    ({"qualify_seconds": 3601}, "qualify_seconds", "too_big"),
    ({"priority": 0}, "priority", "too_small"),
    ({"addresses": ["10.0.0.1/8"]}, "addresses[0]", "network_host_bits"),
    ({"addresses": ["0.0.0.0/0"]}, "addresses[0]", "network_too_wide"),
    ({"username": "a b"}, "username", "trunk_username_format"),
    ({"username": "user", "secret": "a;b,c&d"}, "secret", "trunk_secret_format"),
    ({"secret": SECRET}, "username", "required"),
    ({"mode": "register", "username": "user"}, "secret", "required"),
    ({"from_domain": "${X}"}, "from_domain", "host_format"),
    ({"site_id": str(uuid4())}, "site_id", "unknown"),
]


async def test_wrong_trunks_are_named(office: Office, admin: Caller) -> None:
    trunk = await made(office, admin, slug="right", host="10.0.0.9")
    for more, field, code in WRONG:
        answer = await admin.post("/api/trunks", body(office, **more))
        assert (answer.status, answer.fields) == (422, {field: code}), more
        edited = await admin.patch(f"/api/trunks/{trunk['id']}", more)
        assert (edited.status, edited.fields) == (422, {field: code}), more
    assert (await admin.get("/api/trunks")).json["items"] == [trunk]


async def test_hosts_that_are_right(office: Office, admin: Caller) -> None:
    wanted = {
        "10.0.0.1": "10.0.0.1",
        "2001:DB8::0:1": "2001:db8::1",
        "gw": "gw",
        "GW.example.org": "gw.example.org",
        "gw2.example.org.": "gw2.example.org",
    }
    for index, (host, kept) in enumerate(wanted.items()):
        assert (await made(office, admin, slug=f"t{index}", host=host))["host"] == kept


async def test_a_gateway_outside_the_vpn_is_refused(office: Office, admin: Caller) -> None:
    await admin.patch(f"/api/sites/{office.site.id}", {"subnets": ["10.1.0.0/24", "10.9.0.0/16"]})
    outside = body(office, preset="yeastar_p", host="192.0.2.7")
    refused = await admin.post("/api/trunks", outside)
    assert (refused.status, refused.fields) == (422, {"host": "address_outside_vpn"})
    assert "10.1.0.0/24, 10.9.0.0/16" in refused.json["errors"][0]["message"]
    assert (await admin.post("/api/trunks", {**outside, "host": "10.9.3.7"})).status == 201
    assert (await admin.post("/api/trunks", {**outside, "preset": "generic", "slug": "u"})).status == 201


async def test_one_address_is_one_trunk(office: Office, admin: Caller) -> None:
    first = await made(office, admin)
    twin = body(office, slug="u", port=5080)
    assert (await admin.post("/api/trunks", {**twin, "slug": "t", "host": "10.0.0.2"})).code == "slug_taken"
    refused = await admin.post("/api/trunks", twin)
    assert (refused.status, refused.fields) == (409, {"host": "address_taken"})
    # Out of use, it leaves its address to another; and does not get it back while that one is there.
    path = f"/api/trunks/{first['id']}"
    assert (await admin.patch(path, {"active": False})).json["active"] is False
    second = await admin.post("/api/trunks", twin)
    assert second.status == 201
    assert (await admin.patch(path, {"active": True})).fields == {"host": "address_taken"}
    assert (await admin.delete(f"/api/trunks/{second.json['id']}")).status == 204
    assert (await admin.patch(path, {"active": True})).status == 200


async def test_networks_of_two_trunks_do_not_overlap(office: Office, admin: Caller) -> None:
    await made(office, admin, addresses=["10.5.0.0/24", "10.0.0.1"])
    inside = await admin.post("/api/trunks", body(office, slug="u", host="10.5.0.9"))
    assert (inside.status, inside.fields) == (409, {"host": "addresses_overlap"})
    around = body(office, slug="u", host="10.8.0.1", addresses=["10.0.0.0/24"])
    assert (await admin.post("/api/trunks", around)).fields == {"addresses": "addresses_overlap"}
    free = await admin.post("/api/trunks", {**around, "addresses": ["10.5.1.0/24"]})
    assert free.status == 201
    wider = await admin.patch(f"/api/trunks/{free.json['id']}", {"addresses": ["10.5.0.0/16"]})
    assert (wider.status, wider.fields) == (409, {"addresses": "addresses_overlap"})
    elsewhere = await office.tenant("elsewhere")
    site = await office.site_of(elsewhere, "elsewhere-1")
    other = await office.browser(await office.person("other", Role.ADMIN, tenant_id=elsewhere))
    theirs = {"site_id": str(site.id), "slug": "v", "host": "10.5.0.200"}
    assert (await other.post("/api/trunks", theirs)).fields == {"host": "addresses_overlap"}


async def test_two_accounts_of_one_operator(office: Office, admin: Caller) -> None:
    login = {"preset": "ovh", "host": "sip.example.org", "secret": SECRET}
    await made(office, admin, **login, username="acme-1")
    await made(office, admin, **login, username="acme-2", slug="u")
    twice = await admin.post("/api/trunks", body(office, **login, username="acme-2", slug="v"))
    assert (twice.status, twice.fields) == (409, {"username": "account_taken"})


async def test_of_two_who_take_an_address_at_once_one_gets_it(office: Office, admin: Caller) -> None:
    wanted = [
        body(office, slug=f"t{n}", addresses=[f"10.7.0.0/{20 + n}"], host=f"10.6.0.{n}") for n in range(6)
    ]
    answers = await asyncio.gather(*(admin.post("/api/trunks", one) for one in wanted))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_an_edit_changes_what_it_names(office: Office, admin: Caller) -> None:
    trunk = await made(
        office, admin, addresses=["10.5.0.0/24"], dial_prefix="0", username="user", secret=SECRET
    )
    edited = await admin.patch(
        f"/api/trunks/{trunk['id']}", {"priority": 2, "transport": "tls", "port": 5061}
    )
    wanted = {**unversioned(trunk), "priority": 2, "transport": "tls", "port": 5061}
    assert unversioned(edited.json) == wanted
    told = office.announced[-1]
    assert (told.key, msgspec.json.decode(told.row)) == (f"trunk:{trunk['id']}", edited.json)


async def test_a_trunk_that_moves_to_another_site_is_gone_from_the_first(
    office: Office, admin: Caller
) -> None:
    trunk = await made(office, admin)
    lyon = (await admin.post("/api/sites", {"slug": "lyon", "name": "Lyon"})).json
    await admin.patch(f"/api/trunks/{trunk['id']}", {"site_id": lyon["id"]})
    left, came = office.announced[-2:]
    assert (left.deleted, left.site_id) == (True, office.site.id)
    assert (came.deleted, str(came.site_id)) == (False, lyon["id"])


async def test_a_trunk_that_a_route_names_stays(office: Office, admin: Caller) -> None:
    trunk = await made(office, admin)
    routes = f"/api/sites/{office.site.id}/routes"
    await admin.put(
        routes, {"routes": [{"trunk_id": trunk["id"], "prefix": "+44"}, {"trunk_id": trunk["id"]}]}
    )
    refused = await admin.delete(f"/api/trunks/{trunk['id']}")
    assert (refused.status, refused.code) == (409, "trunk_in_use")
    assert "2" in refused.json["detail"]
    await admin.put(routes, {"routes": []})
    assert (await admin.delete(f"/api/trunks/{trunk['id']}")).status == 204
    assert (office.announced[-1].key, office.announced[-1].deleted) == (f"trunk:{trunk['id']}", True)
    assert (await admin.get(f"/api/trunks/{trunk['id']}")).status == 404


async def test_another_organisation_cannot_touch_it(office: Office, admin: Caller) -> None:
    trunk = await made(office, admin)
    elsewhere = await office.tenant("elsewhere")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    path = f"/api/trunks/{trunk['id']}"
    answers = [await spy.get(path), await spy.patch(path, {"active": False}), await spy.delete(path)]
    assert [answer.status for answer in answers] == [404, 404, 404]
    mine = await office.site_of(elsewhere, "elsewhere-1")
    own = (await spy.post("/api/trunks", {"site_id": str(mine.id), "slug": "v", "host": "10.44.0.1"})).json
    stolen = await spy.patch(f"/api/trunks/{own['id']}", {"site_id": str(office.site.id)})
    assert (stolen.status, stolen.fields) == (422, {"site_id": "unknown"})
    assert (await admin.get(path)).json == trunk
