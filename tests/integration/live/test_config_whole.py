"""The whole way of a change: entered over HTTP, seen as pending, applied by a click, in Asterisk a moment later."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.access import Role
from ccserver.services.base import new_id, utc_now
from ccserver.services.hashing import Hashing
from ccserver.storage import users as user_store

from tests.rig.api import Api
from tests.rig.config_bench import ConfigBench
from tests.rig.gate import gate
from tests.rig.installation import CHIEF, PASSWORD, Node
from tests.rig.wait import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(300)]


async def add_chief(bench: ConfigBench) -> None:
    now = utc_now()
    hashing = Hashing(memory_kib=64)
    user = user_store.NewUser(
        id=new_id(now),
        tenant_id=bench.tenant,
        login=CHIEF,
        first_name="Chief",
        last_name="Test",
        email="",
        role=Role.ADMIN,
        site_id=bench.site,
        locale="en",
        password_hash=await hashing.hash(PASSWORD),
        must_change_password=False,
    )
    hashing.close()
    async with bench.database.system() as connection:
        await user_store.insert_user(connection, user, now)


def node_of(bench: ConfigBench, tmp_path: Path, **more: str) -> Node:
    model = bench.layout
    environment = {
        **bench.environment(),
        "ARI_URL": f"http://127.0.0.1:{model.ports.http}/ari",
        "CCSERVER_NODE": "one",
        "JWT_SECRET": "test-secret-of-more-than-thirty-two-bytes",
        **more,
    }
    return Node(environment, tmp_path / "node.log")


async def settled(api: Api, wanted: Any, what: str) -> Any:
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        found["state"] = await api.get("/api/config")
        return bool(wanted(found["state"]))

    await until(is_so, lambda: f"{what}: {found['state']}")
    return found["state"]


async def test_entered_seen_applied_and_undone(bench: ConfigBench, tmp_path: Path) -> None:
    await add_chief(bench)
    node = node_of(bench, tmp_path)
    try:
        await node.start()
        api = await node.login(CHIEF)
        await settled(
            api, lambda s: s["configured"] and not s["changes"] and not s["blind"], "nothing pending"
        )
        body = {"site_id": str(bench.site), "extension": "1002", "label": "Hall"}
        status, made = await api.answered("POST", "/api/phones", body)
        assert status == 201, made
        state = await settled(api, lambda s: s["changes"] == 1, "one change pending")
        assert not await bench.knows("1002")
        diff = await api.get("/api/config/diff")
        assert diff["changes"] == [{"kind": "phone", "name": "1002", "action": "added", "fields": []}]
        assert made["items"][0]["secret"] not in str(diff)
        status, refused = await api.answered("POST", "/api/config/apply", {"fingerprint": "old"})
        assert (status, refused["code"]) == (409, "config_changed")
        status, begun = await api.answered("POST", "/api/config/apply", {"fingerprint": state["fingerprint"]})
        assert status == 202, begun
        state = await settled(api, lambda s: not s["changes"] and s["run"]["ended_at"], "applied")
        assert (state["run"]["result"], state["applied"]["who"]) == ("applied", CHIEF)
        assert await bench.knows("1002")
        history = (await api.get("/api/config/history"))["items"]
        newest = history[0]
        assert (newest["who"], newest["origin"], newest["result"]) == (CHIEF, "page", "applied")
        assert history[1]["can_roll_back"]
        status, begun = await api.answered("POST", "/api/config/rollback", {"revision": history[1]["id"]})
        assert status == 202, begun
        await settled(api, lambda s: s["changes"] == 1 and s["run"]["action"] == "rollback", "gone back")
        assert not await bench.knows("1002")
    finally:
        await node.stop()


async def test_a_server_killed_while_it_applies_puts_everything_back_when_it_starts(
    bench: ConfigBench, tmp_path: Path
) -> None:
    """Killed when it has told Asterisk to reload."""
    await add_chief(bench)
    before = bench.files()
    async with gate(bench.settings.ami_port, b"Action: Reload") as asterisk:
        node = node_of(bench, tmp_path, AMI_PORT=str(asterisk.port))
        try:
            await node.start()
            api = await node.login(CHIEF)
            await settled(
                api, lambda s: s["configured"] and not s["changes"] and not s["blind"], "nothing pending"
            )
            await bench.add_phone("1002")
            await api.answered("PATCH", f"/api/sites/{bench.site}", {"name": "Paris 2"})
            state = await settled(api, lambda s: s["changes"] >= 1, "a change pending")
            await api.answered("POST", "/api/config/apply", {"fingerprint": state["fingerprint"]})
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asterisk.reached.wait()
            await node.kill9()
            journal = bench.journal()
            assert journal["phase"] == "installing" and not journal["run"]["result"]
            assert bench.files() != before
            asterisk.open()
            await node.start()
            await until(lambda: not bench.journal(), "the journal worked off")
            assert (await bench.history())[-1][2] == "interrupted"
            assert bench.files() == before
            await until(lambda: forgotten(bench, "1002"), "the new phone forgotten again")
            assert await bench.knows("1001")
            assert "running" not in [row[2] for row in await bench.history()]
        finally:
            await node.stop()


async def forgotten(bench: ConfigBench, extension: str) -> bool:
    return not await bench.knows(extension)
