"""Users over HTTP: create, list, edit, deactivate, reset, and who is told."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.domain.errors import Unavailable
from ccserver.services.base import Heralds
from ccserver.storage.directory import load_directory, load_phone_secrets
from ccserver.storage.vault import Vault, VaultError

from tests.rig.office import PASSWORD, Caller, Office, unversioned

pytestmark = pytest.mark.postgres


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def _new(office: Office, login: str = "anna", **more: Any) -> dict[str, Any]:
    return {"login": login, "role": "AGENT", "site_id": str(office.site.id), **more}


async def test_a_new_agent_gets_secrets_once_and_can_log_in(office: Office, admin: Caller) -> None:
    made = await admin.post(
        "/api/users", _new(office, first_name="Anna", last_name="Lenoir", extension="1001")
    )
    assert made.status == 201
    user, password, secret = made.json["user"], made.json["password"], made.json["sip_secret"]
    assert (user["name"], user["extension"], user["must_change_password"]) == ("Anna Lenoir", "1001", True)
    assert len(password) >= 12 and len(secret) >= 20
    again = await admin.get(f"/api/users/{user['id']}")
    assert again.json == user
    assert password.encode() not in again.body and secret.encode() not in again.body
    answer = await (await office.caller()).login("anna", password)
    assert answer.json["user"]["must_change_password"] is True


async def test_the_directory_and_the_rendered_secret_follow(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _new(office, extension="1001"))).json
    await admin.post(
        "/api/trunks", {"site_id": str(office.site.id), "slug": "p2", "host": "10.0.0.2", "priority": 2}
    )
    await admin.post("/api/trunks", {"site_id": str(office.site.id), "slug": "p1", "host": "10.0.0.1"})
    await admin.post(
        "/api/dids",
        {"site_id": str(office.site.id), "number": "01 23 45 67 89", "user_id": made["user"]["id"]},
    )
    async with office.database.system() as connection:
        directory = await load_directory(connection)
        [secret] = await load_phone_secrets(connection, office.vault)
        stored = await connection.fetchval("SELECT secret_encrypted FROM phones")
    agent = directory.agent_by_extension("1001")
    did = directory.did_by_number("+33123456789")
    assert agent is not None and did is not None
    assert (str(agent.id), agent.active, did.user_id) == (made["user"]["id"], True, agent.id)
    assert directory.agent(agent.id) is agent
    assert [trunk.slug for trunk in directory.trunks_of_site(office.site.id)] == ["p1", "p2"]
    assert directory.site(office.site.id) is not None
    assert directory.trunks_of_site(agent.id) == ()
    assert (secret.extension, secret.secret) == ("1001", made["sip_secret"])
    assert made["sip_secret"] not in repr(secret) and made["sip_secret"].encode() not in stored
    async with office.database.system() as connection:
        with pytest.raises(VaultError):
            await load_phone_secrets(connection, Vault("another key of more than 32 characters"))


async def test_every_change_is_announced_and_told_to_telephony(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _new(office, extension="1001"))).json["user"]
    await admin.patch(f"/api/users/{made['id']}", {"first_name": "Anne"})
    changes = [change for change in office.announced if change.topic == "users"]
    assert [change.key for change in changes] == [made["id"]] * 2
    assert changes[0].row is not None and msgspec.json.decode(changes[0].row) == made
    assert changes[1].row is not None and msgspec.json.decode(changes[1].row)["first_name"] == "Anne"
    assert {change.tenant_id for change in changes} == {office.tenant_id}
    assert {change.site_id for change in changes} == {office.site.id}
    assert len(office.directory_changes) == 2


async def test_a_telephony_owner_that_is_away_stops_no_change(office: Office, admin: Caller) -> None:
    async def away(_actor: Any) -> None:
        raise Unavailable("telephony_away")

    office.users._heralds = Heralds(office.users._heralds.announce, away)
    assert (await admin.post("/api/users", _new(office))).status == 201


async def test_pages_of_users_go_by_name_and_miss_nobody(office: Office, admin: Caller) -> None:
    for number in range(7):
        await office.person(f"agent{number}")
    seen: list[str] = []
    path = "/api/users?limit=3"
    while True:
        page = (await admin.get(path)).json
        assert len(page["items"]) <= 3
        seen += [user["login"] for user in page["items"]]
        if not page["next"]:
            break
        path = f"/api/users?limit=3&after={page['next']}"
    assert seen == [*(f"agent{number}" for number in range(7)), "root"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("LENOIR", 1), ("anna len", 1), ("1001", 1), ("an%a", 0), ("a_na", 0), ("\\", 0), ("' OR 1=1", 0)],
)
async def test_searching_users(office: Office, admin: Caller, text: str, found: int) -> None:
    await admin.post("/api/users", _new(office, first_name="Anna", last_name="Lenoir", extension="1001"))
    await office.person("other")
    answer = await admin.send("GET", f"/api/users?text={_quoted(text)}")
    assert len(answer.json["items"]) == found


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


async def test_what_is_taken_is_named(office: Office, admin: Caller) -> None:
    await admin.post("/api/users", _new(office, extension="1001"))
    login = await admin.post("/api/users", _new(office, "ANNA"))
    assert (login.status, login.code, login.fields) == (409, "login_taken", {"login": "login_taken"})
    extension = await admin.post("/api/users", _new(office, "bob", extension="1001"))
    assert (extension.status, extension.fields) == (409, {"extension": "extension_taken"})
    # Nothing is left behind by the refused one.
    assert (await admin.post("/api/users", _new(office, "bob", extension="1002"))).status == 201


@pytest.mark.parametrize(
    ("more", "field", "code"),
    [
        ({"login": "an na"}, "login", "login_format"),
        ({"login": "-anna"}, "login", "login_format"),
        ({"login": "é"}, "login", "login_format"),
        ({"email": "anna"}, "email", "email_format"),
        ({"email": "a@b"}, "email", "email_format"),
        ({"extension": "1"}, "extension", "extension_format"),
        ({"extension": "12a"}, "extension", "extension_format"),
        ({"extension": "٣٤٥"}, "extension", "extension_format"),
        ({"site_id": None}, "site_id", "agent_without_site"),
        ({"site_id": str(uuid4())}, "site_id", "unknown"),
        ({"role": "GOD"}, "role", "not_a_choice"),
        ({"password": "short"}, "password", "password_short"),
        ({"locale": "de"}, "locale", "not_a_choice"),
        ({"first_name": "x" * 81}, "first_name", "too_long"),
    ],
)
async def test_what_is_wrong_is_named(
    office: Office, admin: Caller, more: dict[str, Any], field: str, code: str
) -> None:
    answer = await admin.post("/api/users", {**_new(office), **more})
    assert (answer.status, answer.fields) == (422, {field: code})


async def test_deactivating_ends_the_sessions_and_closes_the_door(office: Office, admin: Caller) -> None:
    anna = await office.person("anna")
    browser = await office.browser(anna)
    done = await admin.patch(f"/api/users/{anna.id}", {"active": False})
    assert done.json["user"]["active"] is False
    refused = await browser.get("/api/me")
    assert (refused.status, refused.code) == (401, "deactivated")
    assert (await (await office.caller()).login("anna")).status == 401
    assert [notice["reason"] for notice in office.notices()] == ["deactivated"]
    await admin.patch(f"/api/users/{anna.id}", {"active": True})
    assert (await (await office.caller()).login("anna")).status == 200


async def test_a_change_of_role_ends_the_sessions(office: Office, admin: Caller) -> None:
    sam = await office.person("sam", Role.SUPERVISOR)
    browser = await office.browser(sam)
    await admin.patch(f"/api/users/{sam.id}", {"role": "AGENT"})
    assert (await browser.get("/api/me")).code == "role_changed"


async def test_resetting_a_password(office: Office, admin: Caller) -> None:
    anna = await office.person("anna")
    browser = await office.browser(anna)
    password = (await admin.post(f"/api/users/{anna.id}/reset-password")).json["password"]
    assert (await browser.get("/api/me")).code == "password_reset"
    caller = await office.caller()
    assert (await caller.login("anna", PASSWORD)).status == 401
    answer = await caller.login("anna", password)
    assert answer.json["user"]["must_change_password"] is True


async def test_a_phone_comes_changes_and_goes(office: Office, admin: Caller) -> None:
    anna = await office.person("anna")
    path = f"/api/users/{anna.id}"
    assert (await admin.post(f"{path}/reset-phone")).code == "no_phone"
    given = (await admin.patch(path, {"extension": "1001"})).json
    assert given["sip_secret"]
    moved = (await admin.patch(path, {"extension": "1002"})).json
    assert (moved["user"]["extension"], "sip_secret" in moved) == ("1002", False)
    anew = (await admin.post(f"{path}/reset-phone")).json
    assert anew["extension"] == "1002" and anew["sip_secret"] != given["sip_secret"]
    gone = (await admin.patch(path, {"extension": None})).json
    assert gone["user"]["extension"] == ""
    async with office.database.system() as connection:
        assert await load_phone_secrets(connection, office.vault) == ()


async def test_an_edit_changes_what_is_given_and_nothing_else(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _new(office, email="a@example.org", extension="1001"))).json[
        "user"
    ]
    path = f"/api/users/{made['id']}"
    same = (await admin.patch(path, {})).json["user"]
    assert unversioned(same) == unversioned(made)
    moved = await admin.patch(
        path, {"role": "SUPERVISOR", "site_id": None, "site_ids": [str(office.site.id)]}
    )
    assert unversioned(moved.json["user"]) == {
        **unversioned(made),
        "role": "SUPERVISOR",
        "site_id": None,
        "site_ids": [str(office.site.id)],
    }
    back = await admin.patch(path, {"role": "AGENT"})
    assert back.fields == {"site_id": "agent_without_site"}


async def test_a_supervisors_sites_bound_the_view(office: Office, admin: Caller) -> None:
    made = (
        await admin.post(
            "/api/users",
            {
                "login": "sam",
                "role": "SUPERVISOR",
                "site_ids": [str(office.site.id)],
                "password": "Valid-Passw0rd",
            },
        )
    ).json
    assert "password" not in made
    program = await office.caller()
    await program.login_as_program("sam", "Valid-Passw0rd")
    session = (await program.get("/api/me")).json["session_id"]
    [actor] = (
        await office.sessions.revalidate([msgspec.convert(session, type=type(office.site.id))])
    ).values()
    assert actor is not None and actor.site_ids == frozenset({office.site.id})


async def test_nobody_rises_above_themselves(office: Office, admin: Caller) -> None:
    chief = await office.person("chief", Role.SUPER_ADMIN)
    assert (await admin.post("/api/users", {"login": "x", "role": "SUPER_ADMIN"})).code == "role_not_granted"
    for method, path, body in (
        ("PATCH", f"/api/users/{chief.id}", {"active": False}),
        ("POST", f"/api/users/{chief.id}/reset-password", None),
        ("POST", f"/api/users/{chief.id}/reset-phone", None),
    ):
        answer = await admin.send(method, path, body)
        assert (answer.status, answer.code) == (403, "role_not_granted")
    me = (await admin.get("/api/me")).json["id"]
    assert (await admin.patch(f"/api/users/{me}", {"role": "SUPER_ADMIN"})).code == "role_not_granted"


async def test_an_administrator_always_remains(office: Office, admin: Caller) -> None:
    me = (await admin.get("/api/me")).json["id"]
    for body in ({"active": False}, {"role": "SUPERVISOR"}):
        assert (await admin.patch(f"/api/users/{me}", body)).code == "own_account"
    assert (await admin.post(f"/api/users/{me}/reset-password")).code == "own_account"
    assert (await admin.patch(f"/api/users/{me}", {"first_name": "Root"})).status == 200


async def test_what_was_done_is_in_the_audit_log(office: Office, admin: Caller) -> None:
    made = (await admin.post("/api/users", _new(office))).json
    await admin.patch(f"/api/users/{made['user']['id']}", {"last_name": "Noir"})
    async with office.database.tenant(office.tenant_id) as connection:
        lines = await connection.fetch("SELECT action, target, detail FROM audit_log ORDER BY id")
    assert [line["action"] for line in lines] == ["login", "user.create", "user.edit"]
    assert msgspec.json.decode(lines[2]["detail"]) == {"last_name": " -> Noir"}
    assert made["password"] not in str(lines)
