"""A site's trunks: presets, order, a password that is never shown."""

from playwright.async_api import expect

from tests.browser import scenes, scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import BACKUP, TRUNK, choose, save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready, toasted


async def test_a_preset_fills_the_form_of_a_line(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#new-trunks").click()
    await expect(page.locator("#trunk-slug")).to_have_value("paris-3")
    await expect(page.locator("#trunk-username")).to_be_hidden()
    await choose(page, "trunk", "preset", "ovh")
    await expect(page.locator("#trunk-host")).to_have_value("sip3.ovh.fr")
    await expect(page.locator("#trunk-name")).to_have_value("OVHcloud")
    await page.locator("#trunk-username").fill("0033140000009")
    await page.locator("#trunk-secret").fill("très-secret")
    harness.answers[("POST", "/api/trunks")] = problem(
        422, "invalid", "", ("dial_prefix", "Chiffres seulement.")
    )
    await save(page, "trunk")
    await expect(page.locator("#trunk-prefix-error")).to_have_text("Chiffres seulement.")
    await expect(page.locator("#trunk-prefix")).to_be_focused()
    await expect(page.locator("#trunk-secret")).to_have_value("très-secret")
    harness.answers[("POST", "/api/trunks")] = (201, scenes_sites.trunk(scenes.PARIS, "paris-3", 3))
    await save(page, "trunk")
    await toasted(page, "Enregistré")
    body = sent(harness, "POST", "/api/trunks")
    wanted = {
        "site_id": scenes.PARIS,
        "slug": "paris-3",
        "mode": "register",
        "secret": "très-secret",
        "username": "0033140000009",
        "port": 5060,
        "qualify_seconds": 60,
        "codecs": ["alaw"],
        "priority": 3,
        "active": True,
    }
    assert {name: body[name] for name in wanted} == wanted


async def test_a_line_is_edited_its_password_never_shown(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("PATCH", f"/api/trunks/{BACKUP}")] = (200, scenes_sites.trunks()[1])
    page = await open_page("/sites/paris")
    await ready(page)
    await page.get_by_role("button", name="Secours OVHcloud", exact=True).click()
    await expect(page.locator("#trunk-secret")).to_have_value("")
    await expect(page.locator("#trunk-secret")).to_have_attribute("placeholder", "••••••••")
    await page.locator("#trunk-form [name=active]").uncheck()
    await save(page, "trunk")
    await expect(page.locator("#trunk-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", f"/api/trunks/{BACKUP}") == {"active": False}


async def test_lines_change_places_by_keyboard(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    rows = [t | {"priority": {TRUNK: 2, BACKUP: 1}.get(t["id"], 1)} for t in scenes_sites.trunks()]
    harness.answers[("GET", "/api/trunks")] = (200, {"items": rows})
    await page.get_by_role("button", name="Descendre Yeastar S100 du siège").press("Enter")
    await expect(page.locator("#trunks > tr").first).to_contain_text("Secours OVHcloud")
    await expect(page.locator("#trunks > tr").first.locator("[data-field=place]")).to_have_text("Principal")
    # At the end of the list its arrow is spent: the focus stays with the line.
    await expect(page.get_by_role("button", name="Yeastar S100 du siège", exact=True)).to_be_focused()
    assert sent(harness, "PATCH", f"/api/trunks/{BACKUP}") == {"priority": 1}
    assert sent(harness, "PATCH", f"/api/trunks/{TRUNK}") == {"priority": 2}


async def test_a_line_is_deleted(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.get_by_role("button", name="Secours OVHcloud", exact=True).click()
    await page.locator("#trunk-form [data-delete]").click()
    await expect(page.locator("#confirm")).to_contain_text("Des routes utilisent ce trunk")
    harness.answers[("DELETE", f"/api/trunks/{BACKUP}")] = problem(409, "trunk_in_use", "Encore 1 route.")
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#confirm [data-form-error]")).to_contain_text("Encore 1 route.")
    harness.answers[("DELETE", f"/api/trunks/{BACKUP}")] = (204, None)
    left = [t for t in scenes_sites.trunks() if t["id"] != BACKUP]
    harness.answers[("GET", "/api/trunks")] = (200, {"items": left})
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#trunks > tr")).to_have_count(1)
    await expect(page.locator("#trunk-dialog")).to_be_hidden()
