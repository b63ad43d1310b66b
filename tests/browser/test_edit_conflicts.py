"""Two administrators edit one record: the form says what the other changed, and nothing that was typed is lost."""

import time
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.browser import scenes, scenes_pbx, scenes_sites
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import SITE, TRUNK, save, sent
from tests.browser.witness import ready, toasted

Row = dict[str, Any]
MARIE = "Marie Durand"
DID = scenes_sites.did("+33140000001", label="Standard", version="v1")
DID_PATH = f"/api/dids/{DID['id']}"


def changed(row: Row, *, who_id: str = "", who: str = MARIE) -> tuple[int, Row]:
    """The API's refusal of a version that is over."""
    body = {
        "status": 412,
        "code": "changed_meanwhile",
        "detail": f"{who} a modifié cette fiche entre-temps.",
        "errors": [],
        "who": who,
        "who_id": who_id or scenes.uid("marie"),
        "at": time.time() - 60,
        "row": row,
    }
    return 412, body


def panel(page: Page) -> Locator:
    return page.locator("dialog[open] [data-changed]")


def line(page: Page, label: str) -> Locator:
    return panel(page).locator("li").filter(has=page.get_by_text(label, exact=True))


async def open_number(open_page: OpenPage, harness: Harness, **size: int) -> Page:
    harness.answers[("GET", "/api/dids")] = (200, {"items": [DID], "next": "", "total": 1})
    page = await open_page("/sites/paris", **size)
    await ready(page)
    await page.get_by_role("button", name="01 40 00 00 01").click()
    return page


async def save_and_see(page: Page, form: str, path: str) -> Request:
    """Save, and the request by which it was sent."""
    async with page.expect_request(lambda r: r.url.endswith(path) and r.method in ("PATCH", "PUT")) as seen:
        await save(page, form)
    request = await seen.value
    await request.response()  # Only then has the server surely had it.
    return request


async def test_both_changed_the_same_field_and_mine_stays(open_page: OpenPage, harness: Harness) -> None:
    page = await open_number(open_page, harness)
    await page.locator("#number-label").fill("Accueil clients")
    theirs = DID | {"label": "Réception", "closed": scenes_sites.destination("voicemail"), "version": "v2"}
    harness.answers[("PATCH", DID_PATH)] = changed(theirs)
    first = await save_and_see(page, "number", DID_PATH)
    assert first.headers["if-match"] == '"v1"'
    await expect(panel(page)).to_be_focused()
    await expect(panel(page)).to_contain_text(f"{MARIE} a modifié cette fiche entre-temps")
    values = line(page, "Libellé").locator("dd")
    await expect(values).to_have_text(["Standard", "Réception", "Accueil clients"])
    fallback = line(page, "Pendant la fermeture, l’appelant joint").locator("dd")
    await expect(fallback).to_have_text(["Personne (message)", "Messagerie vocale"])
    await assert_accessible(page)
    # Nothing is sent before somebody has chosen; what was typed is still there.
    before = len(harness.requests)
    await page.locator("#number-label").focus()
    await save(page, "number")
    await expect(panel(page)).to_be_focused()
    assert [m for m, _, _ in harness.requests[before:]].count("PATCH") == 0
    await expect(page.locator("#number-label")).to_have_value("Accueil clients")
    await page.get_by_role("button", name="Garder mes valeurs").click()
    await expect(panel(page)).to_be_hidden()
    await expect(page.locator("#number-label")).to_have_value("Accueil clients")
    harness.answers[("PATCH", DID_PATH)] = (200, theirs | {"label": "Accueil clients", "version": "v3"})
    again = await save_and_see(page, "number", DID_PATH)
    assert again.headers["if-match"] == '"v2"'
    await expect(page.locator("#number-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", DID_PATH) == {"label": "Accueil clients"}


async def test_theirs_are_taken_and_what_else_was_typed_stays(open_page: OpenPage, harness: Harness) -> None:
    page = await open_number(open_page, harness)
    await page.locator("#number-label").fill("Accueil clients")
    await page.select_option("[name='opened.target']", "voicemail")
    theirs = DID | {"label": "Réception", "version": "v2"}
    harness.answers[("PATCH", DID_PATH)] = changed(theirs)
    await save(page, "number")
    await page.get_by_role("button", name="Prendre les siennes").click()
    await expect(panel(page)).to_be_hidden()
    await expect(page.locator("#number-label")).to_have_value("Réception")
    await expect(page.locator("[name='opened.target']")).to_have_value("voicemail")
    harness.answers[("PATCH", DID_PATH)] = (200, theirs)
    await save_and_see(page, "number", DID_PATH)
    await expect(page.locator("#number-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", DID_PATH) == {"opened": scenes_sites.destination("voicemail")}


async def test_the_stream_tells_of_a_change_under_the_open_form(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await open_number(open_page, harness)
    await page.locator("#number-label").fill("Accueil clients")
    theirs = DID | {"opened": scenes_sites.destination("voicemail"), "version": "v2"}
    harness.answers[("GET", "/api/dids")] = (200, {"items": [theirs], "next": "", "total": 1})
    await harness.put("sites", f"did:{DID['id']}", theirs)
    await expect(panel(page)).to_contain_text("Quelqu’un d’autre vient de modifier cette fiche.")
    reach = line(page, "L’appelant joint").locator("dd")
    await expect(reach).to_have_text(["Karim Benali (203)", "Messagerie vocale"])
    await expect(page.locator("#number-label")).to_be_focused()
    await expect(page.get_by_role("button", name="Prendre les siennes")).to_be_hidden()
    await page.get_by_role("button", name="Compris").click()
    await expect(panel(page)).to_be_hidden()
    await expect(page.locator("[name='opened.target']")).to_have_value("voicemail")
    await expect(page.locator("#number-label")).to_have_value("Accueil clients")
    harness.answers[("PATCH", DID_PATH)] = (200, theirs)
    request = await save_and_see(page, "number", DID_PATH)
    assert request.headers["if-match"] == '"v2"'
    assert sent(harness, "PATCH", DID_PATH) == {"label": "Accueil clients"}


async def test_what_is_not_in_the_form_is_no_question(open_page: OpenPage, harness: Harness) -> None:
    """Somebody resets the user's password meanwhile: the edit is sent again by itself."""
    user = scenes.users()[4] | {"version": "v1"}
    path = f"/api/users/{user['id']}"
    harness.answers[("GET", "/api/users")] = (200, {"items": [user], "next": ""})
    page = await open_page("/users")
    await page.get_by_role("button", name="Jean-Baptiste Le Goff").click()
    await page.locator("#first_name").fill("Jean")
    answers = [changed(user | {"must_change_password": True, "version": "v2"}), (200, {"user": user})]
    seen: list[str] = []

    async def answer(route: Any) -> None:
        status, body = answers.pop(0)
        seen.append(route.request.headers["if-match"])
        await route.fulfill(status=status, json=body)

    await page.route(f"**{path}", answer)
    await page.locator("#user-form button[type=submit]").click()
    await expect(page.locator("#user-dialog")).to_be_hidden()
    await toasted(page, "enregistré")
    assert seen == ['"v1"', '"v2"']


async def test_a_user_changed_in_another_window_of_ones_own(open_page: OpenPage, harness: Harness) -> None:
    user = scenes.users()[4] | {"version": "v1", "site_id": scenes.PARIS, "role": "AGENT"}
    path = f"/api/users/{user['id']}"
    harness.answers[("GET", "/api/users")] = (200, {"items": [user], "next": ""})
    page = await open_page("/users")
    await page.get_by_role("button", name="Jean-Baptiste Le Goff").click()
    await page.select_option("#site_id", scenes.LYON)
    theirs = user | {"site_id": None, "role": "ADMIN", "version": "v2"}
    harness.answers[("PATCH", path)] = changed(theirs, who_id=harness.me["id"])
    await page.locator("#user-form button[type=submit]").click()
    await expect(panel(page)).to_contain_text("Vous avez modifié cette fiche dans une autre fenêtre")
    await expect(line(page, "Site").locator("dd")).to_have_text(["Paris", "Aucun site", "Lyon"])
    await expect(line(page, "Rôle").locator("dd")).to_have_text(["Agent", "Administrateur"])
    await page.get_by_role("button", name="Prendre les siennes").click()
    await expect(page.locator("#site_id")).to_have_value("")
    await expect(page.locator("#role")).to_have_value("ADMIN")


async def test_a_site_says_lists_in_words(open_page: OpenPage, harness: Harness) -> None:
    sites = scenes_sites.sites()
    sites[0]["version"] = "v1"
    harness.answers[("GET", "/api/sites")] = (200, {"items": sites})
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#edit-site").click()
    await page.get_by_role("button", name="Retirer 10.9.4.0/24").click()
    theirs = sites[0] | {
        "subnets": [],
        "codecs": ["opus", "alaw"],
        "caller_id": "+33140000002",
        "country": "RE",
        "version": "v2",
    }
    harness.answers[("PATCH", SITE)] = changed(theirs)
    await save(page, "site")
    await expect(line(page, "Réseaux du site").locator("dd")).to_have_text(
        ["10.1.0.0/16, 10.9.4.0/24", "rien", "10.1.0.0/16"]
    )
    codecs = panel(page).locator("li").filter(has_text="Opus (HD), G.711 A-law")
    await expect(codecs).to_contain_text("G.711 A-law, G.711 µ-law")
    await expect(panel(page)).to_contain_text("01 40 00 00 02")
    await expect(line(page, "Pays").locator("dd")).to_have_text(["France", "La Réunion"])
    await page.get_by_role("button", name="Garder mes valeurs").click()
    harness.answers[("PATCH", SITE)] = (200, theirs)
    await save_and_see(page, "site", SITE)
    assert sent(harness, "PATCH", SITE) == {"subnets": ["10.1.0.0/16"]}


async def test_hours_are_said_in_words(open_page: OpenPage, harness: Harness) -> None:
    row = scenes_sites.schedules()[0] | {"version": "v1"}
    harness.answers[("GET", "/api/schedules")] = (200, {"items": [row]})
    path = f"/api/schedules/{row['id']}"
    page = await open_page("/schedules")
    await ready(page)
    await page.locator("#schedules [data-edit]").click()
    await page.locator("#schedule-name").fill("Bureau")
    theirs = row | {
        "hours": [{"day": 1, "opens": "08:00", "closes": "12:00"}],
        "exceptions": row["exceptions"][:1],
        "version": "v2",
    }
    harness.answers[("PATCH", path)] = changed(theirs)
    await save(page, "schedule")
    hours = line(page, "Semaine").locator("dd")
    await expect(hours.nth(1)).to_have_text("Lun. 08:00–12:00")
    await expect(hours.nth(0)).to_contain_text("Ven. 09:00–12:00, 14:00–18:00")
    await expect(line(page, "Jours particuliers").locator("dd").nth(0)).to_contain_text("Veille de Noël")
    await page.get_by_role("button", name="Compris").click()
    await expect(page.locator("#schedule-name")).to_have_value("Bureau")
    await expect(page.locator("[data-week] [data-opening]")).to_have_count(1)


async def test_routes_are_put_for_the_list_that_was_seen(open_page: OpenPage, harness: Harness) -> None:
    path = f"{SITE}/routes"
    routes = scenes_sites.routes()
    harness.answers[("GET", "/api/routes")] = (200, {"items": routes, "versions": {scenes.PARIS: "l1"}})
    page = await open_page("/sites/paris")
    await ready(page)
    await page.get_by_role("button", name="+262").click()
    boxes = page.locator("#route-form .order-item")
    await boxes.filter(has_text="Secours OVHcloud").locator("input").check()
    left = [r for r in routes if r["id"] != scenes.uid("route +262 paris")]
    harness.answers[("GET", "/api/routes")] = (200, {"items": left, "versions": {scenes.PARIS: "l2"}})
    harness.answers[("PUT", path)] = changed({"site_id": scenes.PARIS, "items": left, "version": "l2"})
    first = await save_and_see(page, "route", path)
    assert first.headers["if-match"] == '"l1"'
    await expect(panel(page).locator("li")).to_have_count(1)
    await page.get_by_role("button", name="Garder mes valeurs").click()
    harness.answers[("PUT", path)] = (200, {"items": left, "version": "l3"})
    again = await save_and_see(page, "route", path)
    assert again.headers["if-match"] == '"l2"'
    await expect(page.locator("#route-dialog")).to_be_hidden()


async def test_what_was_changed_is_not_deleted_unseen(open_page: OpenPage, harness: Harness) -> None:
    trunks = scenes_sites.trunks()
    trunks[0]["version"] = "v1"
    harness.answers[("GET", "/api/trunks")] = (200, {"items": trunks})
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator(f"#trunk-{TRUNK} [data-edit]").click()
    await page.locator("#trunk-form [data-delete]").click()
    theirs = trunks[0] | {"name": "Yeastar neuf", "active": False, "version": "v2"}
    harness.answers[("DELETE", f"/api/trunks/{TRUNK}")] = changed(theirs)
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#confirm [data-form-error]")).to_contain_text(MARIE)
    await page.locator("#confirm").get_by_role("button", name="Annuler").click()
    await expect(line(page, "Nom").locator("dd")).to_have_text(["Yeastar S100 du siège", "Yeastar neuf"])
    await expect(line(page, "Utilisé").locator("dd")).to_have_text(["oui", "non"])
    await page.locator("#trunk-form [data-delete]").click()
    harness.answers[("DELETE", f"/api/trunks/{TRUNK}")] = (204, None)
    async with page.expect_request(lambda r: r.method == "DELETE") as seen:
        await page.locator("#confirm [data-act]").click()
    assert (await seen.value).headers["if-match"] == '"v2"'
    await expect(page.locator("dialog[open]")).to_have_count(0)


async def test_a_record_that_is_gone_is_said(open_page: OpenPage, harness: Harness) -> None:
    phone = next(p for p in scenes_pbx.phones() if p["kind"] == "physical") | {"version": "v1"}
    harness.answers[("GET", "/api/phones")] = (200, {"items": [phone], "next": ""})
    page = await open_page("/phones")
    await ready(page)
    await page.get_by_role("button", name=phone["extension"]).click()
    theirs = phone | {"label": "Hall", "version": "v2"}
    await harness.put("phones", phone["id"], theirs)
    await expect(panel(page)).to_contain_text("Hall")
    await harness.put("phones", phone["id"], None)
    await expect(page.locator("#phone-dialog [data-note]")).to_contain_text("vient de supprimer")


WIDE = """() => [...document.querySelectorAll("dialog[open] [data-changed] *")].filter((e) => e.getClientRects().length
  && e.getBoundingClientRect().right > e.closest("dialog").getBoundingClientRect().right + 1).map((e) => e.outerHTML)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_it_is_for_everybody(open_page: OpenPage, harness: Harness, theme: str) -> None:
    """By keyboard alone, in both themes, on a telephone."""
    harness.theme = theme
    page = await open_number(open_page, harness, width=390, height=844)
    await page.locator("#number-label").fill("Accueil clients de la région parisienne")
    harness.answers[("PATCH", DID_PATH)] = changed(
        DID | {"label": "Réception", "schedule_id": scenes.uid("schedule office"), "version": "v2"}
    )
    await page.locator("#number-label").press("Enter")
    await expect(panel(page)).to_be_focused()
    await expect(panel(page)).to_be_in_viewport()
    assert await page.evaluate(WIDE) == []
    await assert_accessible(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Garder mes valeurs")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(panel(page)).to_be_hidden()
    await expect(page.locator("#number-label")).to_have_value("Réception")
    await expect(page.locator("#number-schedule")).to_have_value(scenes.uid("schedule office"))
    await expect(page.locator("#number-form [type=submit]")).to_be_focused()
