"""A site's numbers: single, in ranges, together, by pages."""

from playwright.async_api import expect

from tests.browser import scenes, scenes_sites
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import choose, save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready, toasted


async def test_a_range_of_numbers_with_hours(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#new-numbers").click()
    await choose(page, "number", "many", "range")
    await page.locator("#number-first").fill("01 40 00 00 20")
    await page.locator("#number-last").fill("01 40 00 00 29")
    await page.locator("#number-label").fill("Équipe B")
    await page.select_option("[name='opened.target']", "phone")
    await page.select_option("[name='opened.phone_id']", label="Atelier (303)")
    await expect(page.locator("[name='closed.target']")).to_be_hidden()
    await page.select_option("#number-schedule", label="Heures de bureau")
    await page.select_option("[name='closed.target']", "number")
    await page.locator("[name='closed.forward_to']").fill("06 12 34 56 78")
    harness.answers[("POST", "/api/dids")] = problem(
        409, "numbers_taken", "Déjà pris : 01 40 00 00 21.", ("closed.forward_to", "Numéro inconnu.")
    )
    await save(page, "number")
    await expect(page.locator("[data-error-for=closed]")).to_have_text("Numéro inconnu.")
    await expect(page.locator("[name='closed.forward_to']")).to_be_focused()
    made = [scenes_sites.did(f"+3314000002{i}") for i in range(10)]
    harness.answers[("POST", "/api/dids")] = (201, {"items": made})
    await save(page, "number")
    await toasted(page, "10 numéros sont créés.")
    assert sent(harness, "POST", "/api/dids") == {
        "site_id": scenes.PARIS,
        "number": "01 40 00 00 20",
        "last": "01 40 00 00 29",
        "label": "Équipe B",
        "schedule_id": scenes.uid("schedule office"),
        "opened": scenes_sites.destination("phone", phone_id=scenes.uid("phone-Atelier")),
        "closed": scenes_sites.destination("number", forward_to="06 12 34 56 78"),
        "unanswered": scenes_sites.destination(),
        "ring_seconds": 30,
    }


async def test_a_taken_range_is_said_above(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    harness.answers[("POST", "/api/dids")] = problem(409, "numbers_taken", "Déjà pris : 01 40 00 00 01.")
    await page.locator("#new-numbers").click()
    await page.locator("#number-first").fill("01 40 00 00 01")
    await save(page, "number")
    await expect(page.locator("#number-form [data-form-error]")).to_contain_text("Déjà pris")
    await expect(page.locator("#number-first")).to_have_value("01 40 00 00 01")


async def test_a_number_is_found_moved_and_deleted(open_page: OpenPage, harness: Harness) -> None:
    chosen = scenes_sites.did("+33140000012")
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#numbers-text").fill("jean-bap")
    await expect(page.locator("#numbers > tr")).to_have_count(1)
    await page.locator("#numbers > tr").click()
    await expect(page.locator("#number-dialog h2")).to_have_text("01 40 00 00 12")
    await page.select_option("[name='opened.target']", "voicemail")
    harness.answers[("PATCH", f"/api/dids/{chosen['id']}")] = (200, chosen)
    await save(page, "number")
    await expect(page.locator("#number-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", f"/api/dids/{chosen['id']}") == {
        "opened": scenes_sites.destination("voicemail")
    }
    await page.locator("#numbers > tr").click()
    await page.locator("#number-form [data-delete]").click()
    harness.answers[("DELETE", f"/api/dids/{chosen['id']}")] = (204, None)
    left = [d for d in scenes_sites.dids() if d["id"] != chosen["id"] and d["site_id"] == scenes.PARIS]
    harness.answers[("GET", "/api/dids")] = (200, {"items": [], "total": 0})
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#numbers-unmatched")).to_be_visible()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    harness.answers[("GET", "/api/dids")] = (200, {"items": left, "total": len(left)})
    await page.locator("#numbers-text").fill("")
    await expect(page.locator("#numbers > tr")).to_have_count(10)


async def test_numbers_are_edited_and_deleted_together(open_page: OpenPage, harness: Harness) -> None:
    first, second = (scenes_sites.did(f"+3314000001{i}") for i in (0, 1))
    page = await open_page("/sites/paris")
    await ready(page)
    await page.get_by_label("Choisir tous les numéros affichés").check()
    await expect(page.locator("#numbers-picked")).to_contain_text("11 numéros choisis")
    await page.get_by_role("button", name="N’en choisir aucun").click()
    for number in ("01 40 00 00 10", "01 40 00 00 11"):
        await page.get_by_label(f"Choisir {number}").check()
    await assert_accessible(page)
    await page.get_by_role("button", name="Les modifier ensemble").click()
    await expect(page.locator("#number-dialog h2")).to_have_text("2 numéros")
    await expect(page.locator("#number-first")).to_be_hidden()
    await page.select_option("#number-schedule", label="Astreinte de nuit")
    harness.answers[("PATCH", "/api/dids")] = problem(
        422, "invalid", "", ("ids", "À cause du +33140000011, aucun n’a été modifié.")
    )
    await save(page, "number")
    await expect(page.locator("#number-form [data-form-error]")).to_contain_text("À cause du +33140000011")
    harness.answers[("PATCH", "/api/dids")] = (200, {"items": [first, second]})
    await save(page, "number")
    await expect(page.locator("#number-dialog")).to_be_hidden()
    await expect(page.locator("#numbers-picked")).to_be_hidden()
    assert sent(harness, "PATCH", "/api/dids") == {
        "ids": [first["id"], second["id"]],
        "schedule_id": scenes.uid("schedule sav"),
        "opened": scenes_sites.destination("agent", user_id=scenes.uid(scenes.NAMES[2])),
        "closed": scenes_sites.destination("voicemail"),
        "unanswered": scenes_sites.destination(),
        "ring_seconds": 30,
    }
    for number in ("01 40 00 00 10", "01 40 00 00 11"):
        await page.get_by_label(f"Choisir {number}").check()
    await page.get_by_role("button", name="Les modifier ensemble").click()
    await page.locator("#number-form [data-delete]").click()
    await expect(page.locator("#confirm h2")).to_contain_text("2 numéros")
    for did in (first, second):
        harness.answers[("DELETE", f"/api/dids/{did['id']}")] = (204, None)
    await page.locator("#confirm [data-act]").click()
    await toasted(page, "2 numéros sont supprimés.")
    assert [m for m, _, _ in harness.requests].count("DELETE") == 2


async def test_many_numbers_are_shown_by_pages(open_page: OpenPage, harness: Harness) -> None:
    rows = [scenes_sites.did(f"+33140000{i:03d}") for i in range(100, 220)]
    harness.answers[("GET", "/api/dids")] = (200, {"items": rows[:50], "next": "page2", "total": 120})
    harness.following["page2"] = {"items": rows[50:100], "next": "page3", "total": 120}
    page = await open_page("/sites/paris")
    await ready(page)
    await expect(page.locator("#numbers-count")).to_have_text("120")
    await expect(page.locator("#numbers > tr")).to_have_count(50)
    await page.locator("#numbers-more").click()
    await expect(page.locator("#numbers > tr")).to_have_count(100)
