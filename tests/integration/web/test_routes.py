"""Outgoing routes over HTTP, and the way that a call would take."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.domain.board import LinkRow
from ccserver.domain.stream import Change

from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def trunk(office: Office, admin: Caller, slug: str, **more: Any) -> str:
    body = {"site_id": str(office.site.id), "slug": slug, "host": f"{slug}.example.org", **more}
    answer = await admin.post("/api/trunks", body)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def link(office: Office, slug: str, *, up: bool, detail: str = "") -> None:
    row = LinkRow(id=f"trunk:{slug}", up=up, since=1.0, detail=detail, lag=0.0, drift=0, as_of=1.0)
    raw = msgspec.Raw(msgspec.json.encode(row))
    office.view.apply([Change(topic="links", key=row.id, row=raw, tenant_id=office.tenant_id)], 1.0, "owner")


async def test_a_sites_routes_are_replaced_as_a_whole(office: Office, admin: Caller) -> None:
    main, backup = await trunk(office, admin, "main"), await trunk(office, admin, "backup")
    path = f"/api/sites/{office.site.id}/routes"
    wanted = [
        {"trunk_id": main, "prefix": ""},
        {"trunk_id": backup, "prefix": "+44 20", "priority": 2},
        {"trunk_id": main, "prefix": "+4420", "priority": 1},
    ]
    first = await admin.put(path, {"routes": wanted})
    assert first.status == 200
    kept = [(r["trunk_id"], r["prefix"], r["priority"], r["site_id"]) for r in first.json["items"]]
    site = str(office.site.id)
    assert kept == [(main, "", 1, site), (backup, "+4420", 2, site), (main, "+4420", 1, site)]
    listed = (await admin.get("/api/routes")).json["items"]
    assert sorted(listed, key=lambda r: r["id"]) == sorted(first.json["items"], key=lambda r: r["id"])
    told = [change.key for change in office.announced if change.key.startswith("route:")]
    assert told == [f"route:{row['id']}" for row in first.json["items"]]

    del office.announced[:]
    second = await admin.put(path, {"routes": [{**wanted[0], "priority": 5}, wanted[2]]})
    ids = [row["id"] for row in second.json["items"]]
    assert ids == [first.json["items"][0]["id"], first.json["items"][2]["id"]]
    # The one that left, the one that changed; the third did not.
    told_now = [(change.key, change.deleted) for change in office.announced]
    assert told_now == [(f"route:{first.json['items'][1]['id']}", True), (f"route:{ids[0]}", False)]
    assert len((await admin.get("/api/routes")).json["items"]) == 2
    assert (await admin.put(path, {"routes": []})).json["items"] == []
    assert (await admin.get("/api/routes")).json["items"] == []


async def test_wrong_lines_are_named_and_nothing_changes(office: Office, admin: Caller) -> None:
    main = await trunk(office, admin, "main")
    path = f"/api/sites/{office.site.id}/routes"
    before = (await admin.put(path, {"routes": [{"trunk_id": main, "prefix": "+33"}]})).json
    wrong: list[tuple[list[dict[str, Any]], dict[str, str]]] = [
        ([{"trunk_id": main}, {"trunk_id": str(uuid4())}], {"routes[1].trunk_id": "unknown"}),
        ([{"trunk_id": main}, {"trunk_id": main, "prefix": ""}], {"routes[1].trunk_id": "route_twice"}),
        ([{"trunk_id": main, "prefix": "0033"}], {"routes[0].prefix": "prefix_format"}),
        ([{"trunk_id": main, "prefix": "+33X."}], {"routes[0].prefix": "prefix_format"}),
        ([{"trunk_id": main, "prefix": "+33,${X}"}], {"routes[0].prefix": "prefix_format"}),
        ([{"trunk_id": main, "priority": 0}], {"routes[0].priority": "too_small"}),
        ([{"trunk_id": "x"}], {"routes[0].trunk_id": "wrong_format"}),
        ([{"prefix": "+33"}], {"routes[0].trunk_id": "required"}),
    ]
    for lines, errors in wrong:
        answer = await admin.put(path, {"routes": lines})
        assert answer.status == 422, lines
        assert {
            (field, "wrong_format" if code == "uuid" else code) for field, code in answer.fields.items()
        } == set(errors.items()), lines
    assert (await admin.get(path)).json == before
    assert (await admin.put(f"/api/sites/{uuid4()}/routes", {"routes": []})).status == 404


async def test_which_way_a_call_would_take(office: Office, admin: Caller) -> None:
    main, backup = await trunk(office, admin, "main"), await trunk(office, admin, "backup", priority=2)
    cheap = await trunk(office, admin, "cheap", priority=3)
    site = f"/api/sites/{office.site.id}"
    await admin.put(f"{site}/routes", {"routes": [{"trunk_id": cheap, "prefix": "+44"}]})
    link(office, "main", up=True)
    link(office, "cheap", up=False)

    home = (await admin.get(f"{site}/ways?number=01%2023%2045%2067%2089")).json
    assert (home["number"], home["allowed"]) == ("+33123456789", True)
    assert [(way["id"], way["slug"], way["up"]) for way in home["trunks"]] == [
        (main, "main", True),
        (backup, "backup", None),
        (cheap, "cheap", False),
    ]
    abroad = (await admin.get(f"{site}/ways?number=%2B442079460958")).json
    # What is down is tried last.
    assert [way["slug"] for way in abroad["trunks"]] == ["main", "backup", "cheap"]
    link(office, "cheap", up=True)
    abroad = (await admin.get(f"{site}/ways?number=%2B442079460958")).json
    assert [way["slug"] for way in abroad["trunks"]] == ["cheap", "main", "backup"]
    await admin.patch(f"/api/trunks/{cheap}", {"active": False})
    assert [
        way["slug"] for way in (await admin.get(f"{site}/ways?number=%2B442079460958")).json["trunks"]
    ] == [
        "main",
        "backup",
    ]
    await admin.patch(site, {"allowed_prefixes": ["+33"]})
    refused = (await admin.get(f"{site}/ways?number=%2B442079460958")).json
    assert refused == {"number": "+442079460958", "allowed": False, "trunks": []}
    emergency = (await admin.get(f"{site}/ways?number=112")).json
    assert (emergency["number"], emergency["allowed"]) == ("112", True)
    assert [way["slug"] for way in emergency["trunks"]] == ["main", "backup"]
    for detail, order in (("login refused", ["main", "backup"]), ("unreachable", ["backup", "main"])):
        link(office, "main", up=False, detail=detail)
        emergency = (await admin.get(f"{site}/ways?number=112")).json
        assert [way["slug"] for way in emergency["trunks"]] == order, detail
    office.view.set_blind(1.0)
    blind = (await admin.get(f"{site}/ways?number=112")).json
    assert [way["up"] for way in blind["trunks"]] == [None, None]


async def test_a_local_number_is_read_by_the_sites_area(admin: Caller) -> None:
    site = (await admin.post("/api/sites", {"slug": "metz", "name": "Metz", "area": "0387"})).json
    found = await admin.get(f"/api/sites/{site['id']}/ways?number=123456")
    assert (found.status, found.json["number"]) == (200, "+33387123456")


async def test_ways_of_what_cannot_be_called(office: Office, admin: Caller) -> None:
    site = f"/api/sites/{office.site.id}/ways"
    assert (await admin.get(site)).fields == {"number": "required"}
    assert (await admin.get(f"{site}?number=hello")).fields == {"number": "number_format"}
    assert (await admin.get(f"{site}?number=0")).fields == {"number": "number_unknown"}
    assert (await admin.get(f"/api/sites/{uuid4()}/ways?number=112")).status == 404


async def test_another_organisation(office: Office, admin: Caller) -> None:
    main = await trunk(office, admin, "main")
    await admin.put(f"/api/sites/{office.site.id}/routes", {"routes": [{"trunk_id": main}]})
    elsewhere = await office.tenant("elsewhere")
    site = await office.site_of(elsewhere, "elsewhere-1")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    assert (await spy.get("/api/routes")).json["items"] == []
    assert (await spy.put(f"/api/sites/{office.site.id}/routes", {"routes": []})).status == 404
    assert (await spy.get(f"/api/sites/{office.site.id}/ways?number=112")).status == 404
    pointed = await spy.put(f"/api/sites/{site.id}/routes", {"routes": [{"trunk_id": main}]})
    assert (pointed.status, pointed.fields) == (422, {"routes[0].trunk_id": "unknown"})
    assert len((await admin.get("/api/routes")).json["items"]) == 1
