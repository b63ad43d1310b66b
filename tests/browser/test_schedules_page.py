"""Opening hours, typed and drawn."""

from playwright.async_api import expect

from tests.browser import scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready


async def test_opening_hours_are_made_by_keyboard(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/schedules")
    await ready(page)
    await page.locator("#new-schedule").press("Enter")
    await page.locator("#schedule-name").fill("Été")
    monday = page.get_by_role("group", name="Lundi")
    await monday.get_by_role("button", name="Retirer ces heures du Lundi").first.press("Enter")
    await monday.get_by_label("Lundi, ouvre à").fill("8h30")
    await monday.get_by_label("Lundi, ferme à").fill("24")
    await monday.get_by_label("Lundi, ferme à").press("Tab")
    await expect(monday.get_by_label("Lundi, ouvre à")).to_have_value("08:30")
    await page.get_by_role("button", name="Recopier le lundi").press("Enter")
    saturday = page.get_by_role("group", name="Samedi")
    await saturday.get_by_role("button", name="Ajouter des heures le Samedi").press("Enter")
    await expect(saturday.get_by_label("Samedi, ouvre à")).to_be_focused()
    await page.get_by_role("button", name="Ajouter un jour").press("Enter")
    await save(page, "schedule")
    await expect(page.locator(".exception .error")).to_have_text("Choisissez la date.")
    await page.get_by_label("Date").fill("2031-07-14")
    await page.get_by_label("Motif").fill("Pont")
    harness.answers[("POST", "/api/schedules")] = problem(
        422, "invalid", "", ("hours[1].opens", "Ces heures se chevauchent."), ("name", "Ce nom est pris.")
    )
    await save(page, "schedule")
    tuesday = page.get_by_role("group", name="Mardi")
    await expect(tuesday.locator(".error")).to_have_text("Ces heures se chevauchent.")
    await expect(tuesday.get_by_label("Mardi, ouvre à")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#schedule-name-error")).to_have_text("Ce nom est pris.")
    harness.answers[("POST", "/api/schedules")] = (201, scenes_sites.schedules()[0])
    await save(page, "schedule")
    await expect(page.locator("#schedule-dialog")).to_be_hidden()
    body = sent(harness, "POST", "/api/schedules")
    weekdays = [{"day": day, "opens": "08:30", "closes": "24:00"} for day in range(1, 6)]
    assert body["hours"] == [*weekdays, {"day": 6, "opens": "09:00", "closes": "12:00"}]
    assert body["exceptions"] == [{"date": "2031-07-14", "opens": "", "closes": "", "label": "Pont"}]
    assert (body["holidays"], body["zone"]) == ("FR", "Europe/Paris")


async def test_hours_are_drawn_with_the_pointer(open_page: OpenPage, harness: Harness) -> None:
    schedule = scenes_sites.schedules()[0]
    harness.answers[("PATCH", f"/api/schedules/{schedule['id']}")] = (200, schedule)
    page = await open_page("/schedules")
    await ready(page)
    await page.locator(".schedule").filter(has_text="Heures de bureau").get_by_role("button").click()
    bar = page.get_by_role("group", name="Samedi").locator("[data-bar]")
    await bar.scroll_into_view_if_needed()
    box = await bar.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * 10 / 24, middle)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 16 / 24, middle, steps=4)
    await page.mouse.up()
    await expect(page.get_by_label("Samedi, ferme à")).to_have_value("16:00")
    await save(page, "schedule")
    await expect(page.locator("#schedule-dialog")).to_be_hidden()
    body = sent(harness, "PATCH", f"/api/schedules/{schedule['id']}")
    assert list(body) == ["hours"]
    assert body["hours"][-1] == {"day": 6, "opens": "10:00", "closes": "16:00"}


async def test_opening_is_live_and_use_is_counted(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/schedules")
    await ready(page)
    office = page.locator(".schedule").filter(has_text="Heures de bureau")
    await expect(office.locator(".pill")).to_have_text("Ouvert")
    await expect(office).to_contain_text("2 numéros")
    await expect(office).to_contain_text("Veille de Noël")
    rows = [row | {"open_now": False} for row in scenes_sites.schedules()]
    harness.answers[("GET", "/api/schedules")] = (200, {"items": rows})
    await harness.put("sites", f"schedule:{rows[0]['id']}", rows[0])
    await expect(office.locator(".pill")).to_have_text("Fermé")
    await office.get_by_role("button").click()
    await page.locator("#schedule-form [data-delete]").click()
    await expect(page.locator("#confirm")).to_contain_text("2 numéros suivent ces horaires")
    path = f"/api/schedules/{rows[0]['id']}"
    harness.answers[("DELETE", path)] = problem(409, "schedule_in_use", "Suivis par 2 numéros.")
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#confirm [data-form-error]")).to_contain_text("Suivis par 2 numéros.")
