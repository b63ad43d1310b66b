"""Imports over HTTP: looked at first, made all together or not at all, secrets told once."""

import asyncio
import io
from typing import Any

import openpyxl
import pytest
from ccserver.domain.access import Role
from ccserver.domain.stream import RELOAD_KEY
from ccserver.services.sheets import XLSX_TYPE, write_xlsx
from ccserver.storage.directory import load_phone_secrets

from tests.rig.office import Answer, Caller, Office

pytestmark = pytest.mark.postgres

HEADER = "Identifiant;Prénom;Nom;Courriel;Rôle;Site;Poste;Téléphone;Mobile\n"


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


async def _send(
    caller: Caller, data: bytes | str, *, what: str = "users", dry_run: bool = False, kind: str = "text/csv"
) -> Answer:
    body = data.encode() if isinstance(data, str) else data
    path = f"/api/{what}/import?dry_run={str(dry_run).lower()}"
    return await caller.post(path, data=body, headers={"Content-Type": kind})


async def _count(office: Office, table: str) -> int:
    async with office.database.system() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_a_rehearsal_tells_and_changes_nothing(office: Office, admin: Caller) -> None:
    text = HEADER + "anna;Anna;Lenoir;anna@example.org;agent;Paris;1001;;\n"
    answer = await _send(admin, text, dry_run=True)
    assert answer.status == 200
    assert (answer.json["total"], answer.json["valid"], answer.json["created"]) == (1, 1, 0)
    assert (answer.json["errors"], answer.json["credentials"]) == ([], [])
    assert answer.json["columns"][1] == {"name": "Prénom", "field": "first_name"}
    assert (await _count(office, "users"), await _count(office, "phones")) == (1, 0)
    assert office.announced == [] or all(change.topic == "me" for change in office.announced)


async def test_five_hundred_people_come_in_one_go(office: Office, admin: Caller) -> None:
    rows = [
        f"agent{n};Prénom{n};Nom{n};;{'superviseur' if n % 50 == 0 else ''};paris;{1000 + n};"
        f"{'mobile' if n % 10 == 0 else ''};{'06 12 34 56 78' if n % 10 == 0 else ''}\n"
        for n in range(500)
    ]
    office.announced.clear()
    answer = await _send(admin, HEADER + "".join(rows))
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    told = answer.json
    assert (told["total"], told["valid"], told["created"], told["errors"]) == (500, 500, 500, [])
    credentials = {row["login"]: row for row in told["credentials"]}
    assert len(credentials) == 500
    one, mobile = credentials["agent7"], credentials["agent10"]
    assert (one["name"], one["extension"], one["line"]) == ("Prénom7 Nom7", "1007", 9)
    assert len({row["password"] for row in credentials.values()}) == 500
    async with office.database.system() as connection:
        secrets = {s.extension: s.secret for s in await load_phone_secrets(connection, office.vault)}
        audit = await connection.fetch("SELECT action, detail FROM audit_log WHERE action LIKE 'user.%'")
        hashes = await connection.fetch("SELECT password_hash FROM users")
    assert secrets["1007"] == one["sip_secret"] and mobile["sip_secret"] == ""
    assert one["password"] not in str(audit) + str(hashes)
    assert [line["action"] for line in audit].count("user.create") == 500
    assert '{"count": "500"}' in [line["detail"] for line in audit if line["action"] == "user.import"]
    # Nobody's page is told five hundred rows: it is told to read its list again.
    assert {(change.topic, change.key) for change in office.announced} == {
        ("users", RELOAD_KEY),
        ("phones", RELOAD_KEY),
    }
    assert {change.tenant_id for change in office.announced} == {office.tenant_id}
    assert len(office.directory_changes) == 1
    page = await admin.get("/api/users?text=agent7")
    assert one["password"].encode() not in page.body and one["sip_secret"].encode() not in page.body


async def test_who_was_imported_logs_in_and_must_choose_a_password(office: Office, admin: Caller) -> None:
    told = (await _send(admin, "login;site\nanna;paris\n")).json
    [anna] = told["credentials"]
    answer = await (await office.caller()).login("anna", anna["password"])
    assert answer.status == 200 and answer.json["user"]["must_change_password"] is True
    async with office.database.system() as connection:
        kept = await connection.fetchval("SELECT password_hash FROM users WHERE login = 'anna'")
    # The quick hash of a password that we made up is gone with the first login.
    assert not office.hashing.is_outdated(kept)
    assert (await (await office.caller()).login("anna", "Wrong-Password-1")).status == 401


async def test_one_wrong_line_stops_all_and_every_wrong_line_is_told(office: Office, admin: Caller) -> None:
    await admin.post("/api/users", {"login": "taken", "role": "ADMIN", "extension": "1900"})
    text = HEADER + (
        "good;;;;agent;paris;1001;;\n"
        "taken;;;;agent;paris;1002;;\n"
        "bob;;;;agent;paris;1900;;\n"
        "carl;;;;agent;nowhere;1003;;\n"
        "dora;;;;agent;paris;1001;;\n"
    )
    for dry_run in (True, False):
        told = (await _send(admin, text, dry_run=dry_run)).json
        assert (told["total"], told["valid"], told["created"], told["credentials"]) == (5, 1, 0, [])
        assert [(e["line"], e["field"], e["code"]) for e in told["errors"]] == [
            (3, "login", "login_taken"),
            (4, "extension", "extension_taken"),
            (5, "site", "site_unknown"),
            (6, "extension", "twice_in_file"),
        ]
        assert [e["message"] for e in told["errors"]][3] == "Le même qu’à la ligne 2."
    assert (await _count(office, "users"), await _count(office, "phones")) == (2, 1)


async def test_what_another_organisation_has_is_taken_without_a_word_about_it(
    office: Office, admin: Caller
) -> None:
    elsewhere = await office.tenant("elsewhere")
    await office.site_of(elsewhere, "elsewhere-1")
    spy = await office.browser(await office.person("spy", Role.ADMIN, tenant_id=elsewhere))
    await _send(admin, "login;site;poste\nanna;paris;1001\n")
    told = (await _send(spy, "login;site;poste\nANNA;elsewhere-1;1001\nbob;paris;1002\n")).json
    assert [(e["line"], e["field"], e["code"]) for e in told["errors"]] == [
        (2, "login", "login_taken"),
        (2, "extension", "extension_taken"),
        (3, "site", "site_unknown"),
    ]


async def test_a_login_that_is_taken_meanwhile_undoes_everything(office: Office, admin: Caller) -> None:
    rows = "".join(f"agent{n};paris\n" for n in range(50))
    first, second = await asyncio.gather(
        _send(admin, "login;site\n" + rows), _send(admin, "login;site\nagent49;paris\nalone;paris\n")
    )
    done = [answer for answer in (first, second) if answer.status == 200 and answer.json["created"]]
    assert len(done) == 1
    assert await _count(office, "users") == 1 + done[0].json["created"]


async def test_a_workbook_is_read_like_a_table(office: Office, admin: Caller) -> None:
    rows = [("login", "site", "extension"), ("anna", "Paris", "0098")]
    data = await asyncio.to_thread(write_xlsx, rows, "x")
    told = (await _send(admin, data, kind=XLSX_TYPE)).json
    assert told["created"] == 1 and told["credentials"][0]["extension"] == "0098"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"PK\x03\x04nonsense", "file_unreadable"),
        (b"\xd0\xcf\x11\xe0old", "file_old_excel"),
        (b"nom;prenom\na;b\n", "column_missing"),
        (b"login\n" + b"x\n" * 2001, "too_many_rows"),
    ],
)
async def test_a_file_that_cannot_be_used_is_told(
    office: Office, admin: Caller, data: bytes, code: str
) -> None:
    for dry_run in (True, False):
        answer = await _send(admin, data, dry_run=dry_run)
        assert (answer.status, answer.fields) == (422, {"file": code})


async def test_other_kinds_of_bodies_are_refused(office: Office, admin: Caller) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = await _send(admin, "login\nanna\n", kind=kind)
        assert (answer.status, answer.code) == (415, "unsupported_file_type")
    large = io.BytesIO(b"x" * (5 * 1024 * 1024 + 1))
    headers = {"Content-Type": "text/csv", "X-CSRF-Token": admin.cookie("ccs_csrf")}
    async with admin.client.post("/api/users/import", data=large, headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (413, "too_large")
    unsafe = await admin.post(
        "/api/users/import", data=b"login\nx\n", headers={"Content-Type": "text/csv", "X-CSRF-Token": ""}
    )
    assert (unsafe.status, unsafe.code) == (403, "csrf")


async def test_who_may_import(office: Office) -> None:
    for role in (Role.AGENT, Role.SUPERVISOR):
        browser = await office.browser(await office.person(f"a{role.lower()}", role))
        for what in ("users", "phones"):
            assert (await _send(browser, "login\nx\n", what=what)).status == 403
            assert (await browser.get(f"/api/{what}/import-template")).status == 403
    admin = await office.browser(await office.person("boss", Role.ADMIN))
    told = (await _send(admin, "login;role\nchief;superadmin\n")).json
    assert [(e["field"], e["code"]) for e in told["errors"]] == [("role", "role_not_granted")]


async def test_physical_phones_from_a_file(office: Office, admin: Caller) -> None:
    rows = "".join(f"paris;{1800 + n};Bureau {n}\n" for n in range(60))
    told = (await _send(admin, "Site;Poste;Libellé\n" + rows, what="phones")).json
    assert (told["created"], len(told["credentials"])) == (60, 60)
    first = told["credentials"][0]
    assert (first["extension"], first["name"], first["login"], first["password"]) == (
        "1800",
        "Bureau 0",
        "",
        "",
    )
    async with office.database.system() as connection:
        secrets = {s.extension: s.secret for s in await load_phone_secrets(connection, office.vault)}
    assert secrets["1800"] == first["sip_secret"] and len(secrets) == 60
    again = (await _send(admin, "site;poste\nparis;1800\n", what="phones")).json
    assert [(e["line"], e["code"]) for e in again["errors"]] == [(2, "extension_taken")]


@pytest.mark.parametrize("locale", ["fr", "en"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("what", ["users", "phones"])
async def test_a_template_comes_back_filled_in(
    office: Office, admin: Caller, what: str, kind: str, locale: str
) -> None:
    await admin.patch("/api/me", {"locale": locale})
    template = await admin.get(f"/api/{what}/import-template?format={kind}")
    assert template.status == 200
    assert template.headers["Content-Disposition"].endswith(f".{kind}")
    if kind == "csv":
        assert template.body.startswith("\ufeff".encode()) and b";" in template.body
    else:
        assert openpyxl.load_workbook(io.BytesIO(template.body)).active.max_row == 2
    told: Any = (await _send(admin, template.body, what=what, kind=template.headers["Content-Type"])).json
    assert (told["errors"], told["created"]) == ([], 1)
    assert all(column["field"] for column in told["columns"])
