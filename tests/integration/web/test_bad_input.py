"""Bodies and queries that nobody should send: a clear answer, nothing changed, nothing leaked."""

import json
from typing import Any

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.web import keys
from ccserver.web.route import Route

from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres

MALFORMED = [
    b"",
    b"{",
    b"[1,",
    b'{"a":}',
    b"\xff\xfe",
    b'{"login":"\\ud800"}',
    b"[" * 4000,
    b"NaN",
    b"{} {}",
]
CONTROLS = ["\r", "\n", "\r\nAction: Originate", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e"]


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def _with_bodies(office: Office) -> list[Route]:
    return [route for route in office.server.app[keys.ROUTES] if route.body is not None]


def _path(route: Route, office: Office) -> str:
    return route.path.replace("{id}", str(office.site.id))


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:12]))
async def test_malformed_json_is_400_or_422_everywhere(office: Office, admin: Caller, data: bytes) -> None:
    for route in _with_bodies(office):
        answer = await admin.send(route.method, _path(route, office), data=data)
        assert answer.status in (400, 422), f"{route.path} answered {answer.status}"
        assert answer.code in ("malformed", "invalid")


async def test_a_body_of_another_kind_is_415(office: Office, admin: Caller) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = await admin.post("/api/sites", data=b"{}", headers={"Content-Type": kind})
        assert (answer.status, answer.code) == (415, "unsupported_media_type")
    latin = await admin.post(
        "/api/sites", data=b"{}", headers={"Content-Type": "application/json; charset=latin-1"}
    )
    assert latin.status == 415


async def test_an_oversized_body_is_413_everywhere(office: Office, admin: Caller) -> None:
    for route in _with_bodies(office):
        data = json.dumps({"x": "y" * route.body_limit}).encode()
        answer = await admin.send(route.method, _path(route, office), data=data)
        assert (answer.status, answer.code) == (413, "too_large"), route.path


async def test_an_oversized_body_without_a_length_is_413(office: Office, admin: Caller) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b" " * 4096

    headers = {"Content-Type": "application/json", "X-CSRF-Token": admin.cookie("ccs_csrf")}
    async with admin.client.post("/api/sites", data=chunks(), headers=headers) as response:
        assert response.status == 413


async def test_unknown_fields_and_wrong_types_are_named(office: Office, admin: Caller) -> None:
    unknown = await admin.post("/api/sites", {"slug": "a", "name": "A", "colour": "red"})
    assert (unknown.status, unknown.fields) == (422, {"colour": "unknown_field"})
    wrong = await admin.post("/api/sites", {"slug": 3, "name": "A"})
    assert wrong.fields == {"slug": "wrong_type"}
    missing = await admin.post("/api/sites", {"name": "A"})
    assert missing.fields == {"slug": "required"}
    listed = await admin.post("/api/sites", [])
    assert listed.status == 422
    deep = await admin.post(
        "/api/trunks", {"site_id": str(office.site.id), "slug": "t", "host": "h", "codecs": ["alaw", 3]}
    )
    assert deep.fields == {"codecs[1]": "wrong_type"}
    assert await _count(office, "sites") == 1


async def test_every_wrong_type_in_every_field_is_refused(office: Office, admin: Caller) -> None:
    for route in _with_bodies(office):
        assert route.body is not None
        for field in msgspec.structs.fields(route.body):
            for value in ({"a": 1}, [[]], 1e400):
                data = json.dumps({field.encode_name: value}).encode()
                answer = await admin.send(route.method, _path(route, office), data=data)
                assert answer.status in (400, 422), f"{route.path} {field.name}={value} gave {answer.status}"


@pytest.mark.parametrize("control", CONTROLS, ids=repr)
async def test_control_characters_are_refused_in_every_field(
    office: Office, admin: Caller, control: str
) -> None:
    """CR and LF above all: they would start a new header in AMI, a new line in a configuration."""
    text = f"a{control}b"
    bodies: dict[str, dict[str, Any]] = {
        "/api/auth/login": {"login": text, "password": "x"},
        "/api/auth/refresh": {"refresh_token": text},
        "/api/auth/change-password": {"current_password": text, "new_password": "x" * 10},
        "/api/sites": {"slug": "a", "name": text},
        "/api/trunks": {"site_id": str(office.site.id), "slug": "a", "host": text},
        "/api/dids": {"site_id": str(office.site.id), "number": "0123456789", "label": text},
        "/api/users": {"login": "abc", "role": "ADMIN", "first_name": text},
        "/api/schedules": {"name": text},
        f"/api/users/{office.site.id}": {"last_name": text},
    }
    for path, body in bodies.items():
        method = "PATCH" if path.startswith("/api/users/") else "POST"
        answer = await admin.send(method, path, body)
        assert answer.status == 422, path
        assert set(answer.fields.values()) == {"control_character"}, path
        assert control not in answer.body.decode()
    query = await admin.get(f"/api/users?text={_quoted(text)}")
    assert query.fields == {"text": "control_character"}
    assert await _count(office, "users") == 1


async def test_wrong_queries_are_named(admin: Caller) -> None:
    for query, field, code in (
        ("limit=0", "limit", "too_small"),
        ("limit=201", "limit", "too_big"),
        ("limit=many", "limit", "wrong_type"),
        ("limit=1&limit=2", "limit", "repeated"),
        ("order=name", "order", "unknown_field"),
        ("after=!!", "after", "cursor"),
        ("after=WyJhIiwgImIiXQ", "after", "cursor"),
        ("active=perhaps", "active", "wrong_type"),
    ):
        answer = await admin.get(f"/api/users?{query}")
        assert (answer.status, answer.fields) == (422, {field: code}), query


async def test_an_identifier_that_is_none_is_not_found(admin: Caller) -> None:
    for thing in ("1", "..%2f..", "0" * 300, "%00", "00000000-0000-0000-0000-00000000000g"):
        answer = await admin.get(f"/api/users/{thing}")
        assert (answer.status, answer.code) == (404, "not_found")


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


async def _count(office: Office, table: str) -> int:
    async with office.database.system() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
