"""From a page to Asterisk: phones made, applied before two administrators' eyes, taken back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ccserver.domain.access import Role
from ccserver.services.base import new_id
from ccserver.services.hashing import Hashing
from ccserver.storage import users as user_store
from playwright.async_api import Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import ARTIFACTS
from tests.browser.whole.conftest import Visit
from tests.browser.witness import quiet, ready
from tests.rig.config_bench import NOW, ConfigBench
from tests.rig.installation import PASSWORD, Node
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]


@pytest.fixture
async def told(bench: ConfigBench, tmp_path: Path) -> AsyncIterator[Node]:
    """The whole server on an Asterisk that is ours to configure, and two administrators."""
    hashing = Hashing(memory_kib=64)
    secret = await hashing.hash(PASSWORD)
    hashing.close()
    async with bench.database.system() as connection:
        for login in ("claire", "denis"):
            user = user_store.NewUser(
                id=new_id(NOW),
                tenant_id=bench.tenant,
                login=login,
                first_name=login.capitalize(),
                last_name="",
                email="",
                role=Role.ADMIN,
                site_id=None,
                locale="fr",
                password_hash=secret,
                must_change_password=False,
            )
            await user_store.insert_user(connection, user, NOW)
    environment = bench.environment() | {
        "ARI_URL": f"http://127.0.0.1:{bench.layout.ports.http}/ari",
        "ASTERISK_APPLY": "manual",
    }
    node = Node(environment, tmp_path / "node.log")
    try:
        await node.start()
        yield node
    finally:
        await node.stop()


async def at_config(visit: Visit, node: Node, login: str) -> Page:
    page = await visit(node, login)
    await page.goto(f"{node.base}/config")
    await ready(page)
    await expect(page.locator("#status-title")).to_have_text("À jour")
    return page


async def forgets(bench: ConfigBench, extension: str) -> bool:
    return not await bench.knows(extension)


async def test_phones_made_on_a_page_are_applied_watched_and_taken_back(
    bench: ConfigBench, told: Node, visit: Visit
) -> None:
    claire, denis = await at_config(visit, told, "claire"), await at_config(visit, told, "denis")

    # Two phones of the site: told once, and at once counted as not applied, on every page.
    await denis.goto(f"{told.base}/phones")
    await ready(denis)
    await denis.get_by_role("button", name="Nouveau téléphone").click()
    await denis.locator("#phone-label").fill("Accueil")
    await denis.locator("#phone-extension").fill("1801")
    await denis.locator("#phone-last").fill("1802")
    await denis.locator("#phone-form [type=submit]").click()
    await expect(denis.locator("#secret-title")).to_have_text("2 téléphones créés")
    await denis.wait_for_function("document.querySelector('#provisioning-qr').naturalWidth > 100")
    await assert_accessible(denis)
    await denis.screenshot(path=ARTIFACTS / "whole-provisioning.png")
    await denis.get_by_role("button", name="C’est copié").click()
    await expect(denis.locator("#phones > tr")).to_have_count(3)
    await expect(denis.locator(".nav li:not(.nav-rest) [data-config-badge]")).to_contain_text("2")
    await expect(claire.locator("#changes > li")).to_have_count(2)
    await expect(claire.locator("#changes")).to_contain_text("Téléphone 1801")
    assert not await bench.knows("1801")

    # The files say how, without a password.
    await quiet(claire)
    await claire.locator("#files summary", has_text="pjsip.conf").click()
    await expect(claire.locator("#files ins", has_text="[1801]").first).to_be_visible()
    await expect(claire.locator("#files ins", has_text="password")).not_to_have_count(0)
    lines = await claire.locator("#files ins", has_text="password").all_inner_texts()
    assert all("••••••" in line for line in lines)

    # One applies, both watch.
    await denis.goto(f"{told.base}/config")
    await ready(denis)
    await expect(denis.locator("#changes > li")).to_have_count(2)
    await claire.get_by_role("button", name="Appliquer").click()
    for page in (claire, denis):
        await expect(page.locator("#run-steps [data-state=done]")).to_have_count(7)
        await expect(page.locator("#run")).to_contain_text("claire")
        await expect(page.locator("#status-title")).to_have_text("À jour")
        await expect(page.locator("#revisions > tr")).to_have_count(2)
    await until(lambda: bench.knows("1802"), "Asterisk knows the new phones")
    await claire.screenshot(path=ARTIFACTS / "whole-config.png")

    # And back to what was before.
    await denis.locator("#revisions > tr").nth(1).click()
    await denis.get_by_role("button", name="Revenir à celle-ci").click()
    await denis.get_by_role("button", name="Y revenir").click()
    for page in (claire, denis):
        await expect(page.locator("#run-title")).to_have_text("Retour à une révision antérieure")
        await expect(page.locator("#status-title")).to_have_text("2 modifications non appliquées")
    await until(lambda: forgets(bench, "1801"), "Asterisk has forgotten the new phones")
    assert await bench.knows("1001")


async def test_what_was_not_seen_is_not_applied(bench: ConfigBench, told: Node, visit: Visit) -> None:
    claire = await at_config(visit, told, "claire")
    await bench.add_phone("1803")
    # Two changes by others, and a page that cannot read them: it still shows the list from before.
    reading = asyncio.Event()
    await claire.route(
        "**/api/config/diff", lambda route: route.continue_() if reading.is_set() else route.abort()
    )
    api = await told.login("denis")
    status, _ = await api.send("POST", "/api/phones", {"site_id": str(bench.site), "extension": "1804"})
    assert status == 201
    await expect(claire.locator("#status-title")).to_have_text("2 modifications non appliquées")
    # It can read them again, but has not when Apply is pressed.
    claire.on("request", lambda asked: reading.set() if asked.url.endswith("/api/config/apply") else None)
    await claire.get_by_role("button", name="Appliquer").click()
    await expect(claire.locator("#answer")).to_contain_text("Quelque chose a changé entre-temps")
    await expect(claire.locator("#changes > li")).to_have_count(2)
    assert not await bench.knows("1803")
    await claire.get_by_role("button", name="Appliquer").click()
    await expect(claire.locator("#status-title")).to_have_text("À jour")
    assert await bench.knows("1803")
    assert await bench.knows("1804")
