"""Asterisk's configuration over HTTP: who may, what is answered, what is refused."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from ccserver.domain.access import Role
from ccserver.domain.config import ConfigDiff, ConfigState, ConfigStep, ObjectChange
from ccserver.domain.errors import Conflict, NotFound
from ccserver.domain.stream import Change
from ccserver.storage import config as store
from ccserver.web import keys

from tests.rig.office import Caller, Office

pytestmark = pytest.mark.postgres

CHANGE = ObjectChange(kind="phone", name="1002", action="added")


class ScriptedOwner:
    """Answers as the telephony owner would, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None

    async def ask(self, name: str, *, actor: UUID, tenant_id: UUID, **body: Any) -> dict[str, Any]:
        self.asked.append((name, body))
        if self.error is not None:
            raise self.error
        if name == "config.diff":
            return {
                "diff": msgspec.json.encode(ConfigDiff(fingerprint="f", changes=(CHANGE,), files=())).decode()
            }
        return {"id": "run-1"}


@pytest.fixture
def owner(office: Office) -> ScriptedOwner:
    made = ScriptedOwner()
    app = office.server.app
    assert app is not None
    app[keys.CONFIG]._commands = made  # type: ignore[assignment]
    return made


@pytest.fixture
async def admin(office: Office) -> Caller:
    return await office.browser(await office.person("root", Role.ADMIN))


def put_state(office: Office, state: ConfigState) -> None:
    row = msgspec.Raw(msgspec.json.encode(state))
    office.view.apply(
        [Change(topic="config", key="state", row=row, tenant_id=office.tenant_id)], 1.0, "owner"
    )


async def put_revision(office: Office, result: str, who: str = "root") -> int:
    new = store.NewRevision(
        at=office.clock(),
        user_id=None,
        who=who,
        origin="page",
        action="apply",
        fingerprint="f",
        files=("pjsip.conf",),
        objects=(CHANGE,),
        left_out=(),
        diff="+[1002]",
    )
    async with office.database.system() as connection:
        number = await store.insert_revision(connection, new)
        step = ConfigStep(name="plan", state="done", at=1.0)
        await store.end_revision(connection, number, office.clock(), result, "", (step,))
    return number


async def test_the_state_is_the_owners_last_word(office: Office, admin: Caller) -> None:
    assert (await admin.get("/api/config")).json["blind"] is True
    put_state(office, ConfigState(configured=True, changes=3, fingerprint="abc"))
    answer = (await admin.get("/api/config")).json
    assert (answer["configured"], answer["changes"], answer["fingerprint"], answer["run"]) == (
        True,
        3,
        "abc",
        None,
    )


async def test_looking_and_asking(admin: Caller, owner: ScriptedOwner) -> None:
    diff = await admin.get("/api/config/diff")
    assert diff.json["changes"][0]["name"] == "1002"
    assert (await admin.post("/api/config/check", {})).status == 202
    assert (await admin.post("/api/config/apply", {"fingerprint": "f"})).json == {"id": "run-1"}
    assert (await admin.post("/api/config/rollback", {"revision": 4})).status == 202
    assert owner.asked == [
        ("config.diff", {"who": "root"}),
        ("config.check", {"who": "root"}),
        ("config.apply", {"who": "root", "fingerprint": "f"}),
        ("config.rollback", {"who": "root", "revision": 4}),
    ]


async def test_what_the_owner_refuses_is_said(admin: Caller, owner: ScriptedOwner) -> None:
    owner.error = Conflict("config_busy", who="Anna")
    busy = await admin.post("/api/config/apply", {"fingerprint": "f"})
    assert (busy.status, busy.code) == (409, "config_busy")
    assert "Anna" in busy.json["detail"]
    owner.error = Conflict("config_changed")
    assert (await admin.post("/api/config/apply", {"fingerprint": "f"})).code == "config_changed"
    owner.error = NotFound("revision_unknown")
    assert (await admin.post("/api/config/rollback", {"revision": 9})).status == 404


async def test_bad_bodies_never_reach_the_owner(admin: Caller, owner: ScriptedOwner) -> None:
    for path, body in (
        ("/api/config/apply", {}),
        ("/api/config/apply", {"fingerprint": ""}),
        ("/api/config/rollback", {"revision": 0}),
        ("/api/config/rollback", {"revision": "1"}),
        ("/api/config/rollback", {"revision": 1, "more": 1}),
    ):
        assert (await admin.post(path, body)).status == 422, (path, body)
    assert owner.asked == []


async def test_history_pages_and_which_can_be_gone_back_to(office: Office, admin: Caller) -> None:
    first = await put_revision(office, "applied")
    refused = await put_revision(office, "refused")
    last = await put_revision(office, "applied")
    page = (await admin.get("/api/config/history?limit=2")).json
    assert [row["id"] for row in page["items"]] == [last, refused]
    assert [row["can_roll_back"] for row in page["items"]] == [False, False]
    assert page["next"] == refused
    rest = (await admin.get(f"/api/config/history?limit=2&after={refused}")).json
    assert [(row["id"], row["can_roll_back"], row["changes"]) for row in rest["items"]] == [(first, True, 1)]
    assert rest["next"] is None
    detail = (await admin.get(f"/api/config/history/{first}")).json
    assert (detail["diff"], detail["steps"][0]["name"], detail["objects"][0]["name"]) == (
        "+[1002]",
        "plan",
        "1002",
    )
    for wrong in ("999999", "0", "-1", "x", "9" * 40):
        assert (await admin.get(f"/api/config/history/{wrong}")).status == 404


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
async def test_others_may_not(office: Office, owner: ScriptedOwner, role: Role) -> None:
    browser = await office.browser(await office.person("someone", role))
    assert (await browser.get("/api/config")).status == 403
    assert (await browser.post("/api/config/apply", {"fingerprint": "f"})).status == 403
    assert owner.asked == []


async def test_where_several_organisations_share_it_only_a_super_admin_may(
    office: Office, admin: Caller, owner: ScriptedOwner
) -> None:
    other = await office.tenant("other")
    chief = await office.browser(await office.person("chief", Role.SUPER_ADMIN, tenant_id=other))
    for path in ("/api/config", "/api/config/diff", "/api/config/history"):
        refused = await admin.get(path)
        assert (refused.status, refused.code) == (403, "pbx_shared")
        assert (await chief.get(path)).status == 200
    assert (await admin.post("/api/config/apply", {"fingerprint": "f"})).code == "pbx_shared"
    assert (await chief.post("/api/config/apply", {"fingerprint": "f"})).status == 202
