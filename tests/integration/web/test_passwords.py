"""Changing passwords, and the first account of a new server."""

import asyncio

import pytest
from ccserver.domain.access import Role
from ccserver.services.hashing import Hashing

from tests.rig.office import PASSWORD, Office

pytestmark = pytest.mark.postgres

NEW = "Battery-Staple-9"


async def test_a_password_to_be_changed_blocks_everything_else(office: Office) -> None:
    admin = await office.person("root", Role.ADMIN, must_change=True)
    browser = await office.browser(admin)
    assert (await browser.get("/api/me")).json["abilities"] == ["session"]
    for path in ("/api/users", "/api/sites", "/api/trunks", "/api/dids"):
        refused = await browser.get(path)
        assert (refused.status, refused.code) == (403, "must_change_password")
    done = await browser.post(
        "/api/auth/change-password", {"current_password": PASSWORD, "new_password": NEW}
    )
    assert done.status == 204
    assert (await browser.get("/api/users")).status == 200
    assert (await (await office.caller()).login("root", NEW)).status == 200


async def test_changing_the_password_ends_the_other_sessions(office: Office) -> None:
    sam = await office.person("sam", Role.SUPERVISOR)
    here, there = await office.browser(sam), await office.browser(sam)
    await here.post("/api/auth/change-password", {"current_password": PASSWORD, "new_password": NEW})
    assert (await here.get("/api/me")).status == 200
    refused = await there.get("/api/me")
    assert (refused.status, refused.code) == (401, "password_changed")


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        ("not the password", NEW, "current_password", "password_wrong"),
        (PASSWORD, "short", "new_password", "password_short"),
        (PASSWORD, "password123", "new_password", "password_common"),
        (PASSWORD, "maximilien1", "new_password", "password_is_login"),
        (PASSWORD, PASSWORD, "new_password", "password_same"),
    ],
)
async def test_a_bad_new_password_is_refused(
    office: Office, current: str, new: str, field: str, code: str
) -> None:
    browser = await office.browser(await office.person("maximilien"))
    refused = await browser.post(
        "/api/auth/change-password", {"current_password": current, "new_password": new}
    )
    assert refused.status == 422
    assert refused.fields == {field: code}


async def test_guessing_the_present_password_is_throttled(office: Office) -> None:
    office.clock.stop()
    browser = await office.browser(await office.person("anna"))
    body = {"current_password": "a wrong guess", "new_password": NEW}
    statuses = [(await browser.post("/api/auth/change-password", body)).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]


async def test_an_outdated_hash_is_made_anew_at_login(office: Office) -> None:
    anna = await office.person("anna")
    async with office.database.system() as connection:
        before = await connection.fetchval("SELECT password_hash FROM users WHERE id = $1", anna.id)
        assert before.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    office.hashing._hasher = Hashing(memory_kib=128, passes=1)._hasher
    await office.browser(anna)
    async with office.database.system() as connection:
        after = await connection.fetchval("SELECT password_hash FROM users WHERE id = $1", anna.id)
    assert after.startswith("$argon2id$v=19$m=128,")
    assert (await (await office.caller()).login("anna")).status == 200


async def test_bootstrap_on_loopback_is_admin_admin_and_must_change(office: Office) -> None:
    made = await office.accounts.bootstrap(password="", loopback=True)
    assert made is not None and (made.login, made.password, made.generated) == ("admin", "admin", False)
    assert await office.accounts.bootstrap(password="", loopback=True) is None
    browser = await office.caller()
    answer = await browser.login("admin", "admin")
    assert answer.json["user"]["must_change_password"] is True
    assert answer.json["user"]["role"] == "ADMIN"
    assert (await browser.get("/api/users")).code == "must_change_password"


async def test_bootstrap_beyond_loopback_is_random_or_given(office: Office) -> None:
    made = await office.accounts.bootstrap(password="", loopback=False)
    assert made is not None and made.generated and len(made.password) >= 12
    assert (await (await office.caller()).login("admin", "admin")).status == 401
    assert (await (await office.caller()).login("admin", made.password)).status == 200


async def test_bootstrap_with_a_given_password(office: Office) -> None:
    made = await office.accounts.bootstrap(password="given-by-operator", loopback=False)
    assert made is not None and not made.generated
    assert (await (await office.caller()).login("admin", "given-by-operator")).status == 200


async def test_a_well_known_password_does_not_follow_the_server_beyond_loopback(office: Office) -> None:
    await office.accounts.bootstrap(password="", loopback=True)
    made = await office.accounts.bootstrap(password="", loopback=False)
    assert made is not None and made.generated
    assert (await (await office.caller()).login("admin", "admin")).status == 401
    assert await office.accounts.bootstrap(password="", loopback=False) is None


async def test_servers_that_start_together_make_one_account(office: Office) -> None:
    made = await asyncio.gather(*(office.accounts.bootstrap(password="", loopback=True) for _ in range(4)))
    assert len([one for one in made if one]) == 1
