"""Sites, lines, numbers, routes and opening hours: each flow, its refusals, and what others change meanwhile."""

import time
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes, scenes_sites
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.test_accounts_pages import problem

Row = dict[str, Any]

SITE = f"/api/sites/{scenes.PARIS}"
TRUNK = scenes.uid("trunk paris")
BACKUP = scenes.uid("trunk paris-2")
FAR = scenes.uid("trunk saint-denis-de-la-reunion")


def sent(harness: Harness, method: str, path: str) -> Any:
    """The body of the last request of this kind."""
    return [body for m, p, body in harness.requests if (m, p) == (method, path)][-1]


async def ready(page: Page) -> None:
    await expect(page.locator("#pulse")).to_have_text("En direct")
    await page.wait_for_load_state("networkidle")


async def save(page: Page, form: str) -> None:
    await page.locator(f"#{form}-form button[type=submit]").click()


async def choose(page: Page, form: str, name: str, value: str) -> None:
    await page.locator(f"#{form}-form label:has(input[name='{name}'][value='{value}'])").click()


# All sites


async def test_every_site_says_how_it_is(open_page: OpenPage) -> None:
    page = await open_page("/sites")
    rows = page.locator("#sites > tr")
    await expect(rows).to_have_count(10)
    await expect(page.locator("#sites-lead")).to_have_text("10 sites · 3 en difficulté")
    paris = rows.filter(has_text="Paris")
    await expect(paris).to_contain_text("En service")
    await expect(paris.locator("[data-field=numbers]")).to_have_text("11")
    await expect(paris.locator("[data-lines]")).to_contain_text("Secours OVHcloud")
    await expect(rows.filter(has_text="Nantes")).to_contain_text("Isolé depuis")
    await expect(rows.filter(has_text="Lille")).to_contain_text("Trunk coupé")
    await expect(rows.filter(has_text="Toulouse")).to_contain_text("Sans trunk")
    far = await rows.filter(has_text="La Réunion").locator("[data-clock]").inner_text()
    here = await paris.locator("[data-clock]").inner_text()
    assert (int(far[:2]) - int(here[:2])) % 24 in (2, 3)  # Summer and winter in Paris; none there.


async def test_a_line_that_comes_back_is_seen_at_once(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites")
    await ready(page)
    lille = page.locator("#sites > tr").filter(has_text="Lille")
    await expect(lille).to_contain_text("Coupé depuis")
    row = scenes_sites.links(time.time())["trunk:lille"] | {"up": True}
    await harness.put("links", "trunk:lille", row)
    await expect(lille).to_contain_text("En service")
    await expect(page.locator("#sites-lead")).to_contain_text("2 en difficulté")


async def test_sites_are_found_by_name_number_and_trouble(open_page: OpenPage) -> None:
    page = await open_page("/sites")
    rows = page.locator("#sites > tr")
    await expect(rows).to_have_count(10)
    await page.locator("#text").fill("04 78")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("04 78 00 00 01 – Accueil Lyon")
    await page.locator("#text").fill("réunion")
    await expect(rows).to_have_count(1)
    await page.locator("#text").fill("xyz")
    await expect(page.locator("#sites-unmatched")).to_be_visible()
    await page.locator("#text").fill("")
    await page.locator("#trouble").check()
    await expect(rows).to_have_count(3)


async def test_a_row_opens_its_site(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites")
    await page.locator("#sites > tr").filter(has_text="Paris").locator("td").nth(3).click()
    await page.wait_for_url(f"{harness.url}/sites/paris")
    await expect(page.locator(".nav a[aria-current=page]").first).to_have_attribute("href", "/sites")


async def test_no_site_yet_says_what_to_do(open_page: OpenPage, harness: Harness) -> None:
    for path in ("sites", "trunks", "dids", "routes", "schedules"):
        harness.answers[("GET", f"/api/{path}")] = (200, {"items": []})
    page = await open_page("/sites")
    await expect(page.locator("#sites-none")).to_contain_text("par exemple une agence et son Yeastar")
    page = await open_page("/schedules")
    await expect(page.locator("#schedules-none")).to_contain_text("Pas encore d’horaires")


async def test_an_unreachable_server_is_said(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("GET", "/api/trunks")] = problem(503, "unavailable", "La base ne répond pas.")
    page = await open_page("/sites")
    await expect(page.locator("#toasts")).to_contain_text("La base ne répond pas.")
    del harness.answers[("GET", "/api/trunks")]
    await harness.put("sites", "trunk:x", None)
    await expect(page.locator("#sites > tr")).to_have_count(10)


async def test_a_site_is_created_in_one_dialog(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites")
    await ready(page)
    await page.locator("#new-site").click()
    await page.locator("#site-name").press_sequentially("Orléans-la-Source")
    await expect(page.locator("#site-slug")).to_have_value("orleans-la-source")
    await page.locator("#site-name").fill("Lyon")
    await expect(page.locator("#site-slug")).to_have_value("lyon-2")
    await page.select_option("#site-country", "RE")
    await expect(page.locator("#site-zone")).to_have_value("Indian/Reunion")
    await page.select_option("#site-country", "FR")
    harness.answers[("POST", "/api/sites")] = problem(
        422,
        "invalid",
        "",
        ("caller_id", "Ce numéro n’existe pas."),
        ("subnets[1]", "Ce n’est pas un réseau."),
    )
    await page.locator("#site-caller").fill("01 23")
    await page.locator("#site-form summary").first.click()
    await page.locator("#site-subnets").fill("10.3.0.0/16, n’importe quoi")
    await page.locator("#site-form summary").first.click()
    await save(page, "site")
    await expect(page.locator("#site-caller-error")).to_have_text("Ce numéro n’existe pas.")
    await expect(page.locator("#site-caller")).to_be_focused()
    # What is folded opens when it is refused; what was typed is still there.
    await expect(page.locator("#site-subnets-error")).to_have_text("Ce n’est pas un réseau.")
    await expect(page.locator("#site-subnets")).to_have_value("10.3.0.0/16, n’importe quoi")
    await expect(page.locator("#site-name")).to_have_value("Lyon")
    await page.locator("#site-subnets").fill("10.3.0.0/16")
    await page.locator("#site-subnets").press("Enter")
    await expect(page.locator("#site-form .chip")).to_have_text("10.3.0.0/16")
    await page.get_by_text("Appels que le site peut passer").click()
    await page.get_by_role("button", name="France seulement").click()
    harness.answers[("POST", "/api/sites")] = (201, scenes_sites.sites()[0])
    await save(page, "site")
    await page.wait_for_url(f"{harness.url}/sites/paris")
    assert sent(harness, "POST", "/api/sites") == {
        "name": "Lyon",
        "slug": "lyon-2",
        "country": "FR",
        "zone": "Europe/Paris",
        "caller_id": "01 23",
        "area": "",
        "subnets": ["10.3.0.0/16"],
        "codecs": ["alaw", "ulaw"],
        "allowed_prefixes": ["+33"],
    }


# One site


async def test_only_what_was_changed_is_sent(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("PATCH", SITE)] = (200, scenes_sites.sites()[0])
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#edit-site").click()
    await expect(page.locator("#site-slug")).to_have_attribute("readonly", "")
    await page.get_by_role("button", name="Retirer 10.9.4.0/24").click()
    opus = page.locator("#site-form .order-item").filter(has_text="Opus")
    await opus.locator("input").check()
    await opus.locator("[data-move='-1']").press("Enter")
    await opus.locator("[data-move='-1']").press("Enter")
    await expect(opus.locator("input")).to_be_focused()
    await save(page, "site")
    await expect(page.locator("#toasts")).to_contain_text("Enregistré")
    assert sent(harness, "PATCH", SITE) == {"subnets": ["10.1.0.0/16"], "codecs": ["opus", "alaw", "ulaw"]}
    before = len(harness.requests)
    await page.locator("#edit-site").click()
    await save(page, "site")
    await expect(page.locator("#site-dialog")).to_be_hidden()
    assert "PATCH" not in [method for method, _, _ in harness.requests[before:]]


async def test_escape_asks_once_before_it_drops(open_page: OpenPage) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#edit-site").click()
    await page.keyboard.press("Escape")
    await expect(page.locator("#site-dialog")).to_be_hidden()
    await page.locator("#edit-site").click()
    await page.locator("#site-name").fill("Paris Nord")
    await page.keyboard.press("Escape")
    await expect(page.locator("#site-dialog [data-note]")).to_contain_text("Rien n’est encore enregistré")
    await expect(page.locator("#site-name")).to_have_value("Paris Nord")
    await page.keyboard.press("Escape")
    await expect(page.locator("#site-dialog")).to_be_hidden()


async def test_what_another_admin_changes_appears(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.evaluate("window.marker = 1")
    await page.locator("#edit-site").click()
    await page.locator("#site-area").fill("1")
    rows = scenes_sites.sites()
    rows[0]["name"] = "Paris La Défense"
    harness.answers[("GET", "/api/sites")] = (200, {"items": rows})
    await harness.put("sites", f"site:{scenes.PARIS}", rows[0])
    await expect(page.locator("h1")).to_have_text("Paris La Défense")
    await expect(page.locator("#site-dialog [data-note]")).to_contain_text(
        "Quelqu’un d’autre vient de modifier"
    )
    await expect(page.locator("#site-area")).to_have_value("1")
    await save(page, "site")
    await expect(page.locator("#site-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", SITE) == {"area": "1"}
    numbers = [*scenes_sites.dids(), scenes_sites.did("+33140000099", label="Nouveau")]
    harness.answers[("GET", "/api/dids")] = (200, {"items": numbers})
    await harness.put("sites", f"did:{numbers[-1]['id']}", numbers[-1])
    await expect(page.locator("#numbers")).to_contain_text("01 40 00 00 99")
    harness.answers[("GET", "/api/sites")] = (200, {"items": rows[1:]})
    await harness.put("sites", f"site:{scenes.PARIS}", None)
    await expect(page.locator("#gone")).to_be_visible()
    assert await page.evaluate("window.marker") == 1


async def test_a_site_in_use_is_not_deleted(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    harness.answers[("DELETE", SITE)] = problem(409, "site_in_use", "Encore 2 trunks et 11 numéros.")
    await page.get_by_role("button", name="Supprimer ce site").click()
    await expect(page.locator("#confirm")).to_contain_text("2 trunks, 11 numéros")
    await expect(page.locator("#confirm").get_by_role("button", name="Annuler")).to_be_focused()
    await assert_accessible(page)
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#confirm [data-form-error]")).to_contain_text("Encore 2 trunks")
    harness.answers[("DELETE", SITE)] = (204, None)
    await page.locator("#confirm [data-act]").click()
    await page.wait_for_url(f"{harness.url}/sites")


# Lines


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
    await expect(page.locator("#toasts")).to_contain_text("Enregistré")
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


# Numbers


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
    await expect(page.locator("#toasts")).to_contain_text("10 numéros sont créés.")
    assert sent(harness, "POST", "/api/dids") == {
        "site_id": scenes.PARIS,
        "number": "01 40 00 00 20",
        "last": "01 40 00 00 29",
        "label": "Équipe B",
        "schedule_id": scenes.uid("schedule office"),
        "opened": scenes_sites.destination("phone", phone_id=scenes.uid("phone-Atelier")),
        "closed": scenes_sites.destination("number", forward_to="06 12 34 56 78"),
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
    left = [d for d in scenes_sites.dids() if d["id"] != chosen["id"]]
    harness.answers[("GET", "/api/dids")] = (200, {"items": left})
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#numbers-unmatched")).to_be_visible()
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
    harness.answers[("PATCH", f"/api/dids/{first['id']}")] = (200, first)
    harness.answers[("PATCH", f"/api/dids/{second['id']}")] = problem(409, "conflict", "Trop tard.")
    await save(page, "number")
    await expect(page.locator("#number-form [data-form-error]")).to_contain_text("Trop tard.")
    harness.answers[("PATCH", f"/api/dids/{second['id']}")] = (200, second)
    await save(page, "number")
    await expect(page.locator("#number-dialog")).to_be_hidden()
    await expect(page.locator("#numbers-picked")).to_be_hidden()
    assert sent(harness, "PATCH", f"/api/dids/{second['id']}") == {
        "schedule_id": scenes.uid("schedule sav"),
        "opened": scenes_sites.destination("agent", user_id=scenes.uid(scenes.NAMES[2])),
        "closed": scenes_sites.destination("voicemail"),
    }
    for number in ("01 40 00 00 10", "01 40 00 00 11"):
        await page.get_by_label(f"Choisir {number}").check()
    await page.get_by_role("button", name="Les modifier ensemble").click()
    await page.locator("#number-form [data-delete]").click()
    await expect(page.locator("#confirm h2")).to_contain_text("2 numéros")
    for did in (first, second):
        harness.answers[("DELETE", f"/api/dids/{did['id']}")] = (204, None)
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#toasts")).to_contain_text("2 numéros sont supprimés.")
    assert [m for m, _, _ in harness.requests].count("DELETE") == 2


async def test_many_numbers_are_shown_by_pages(open_page: OpenPage, harness: Harness) -> None:
    rows = [scenes_sites.did(f"+33140000{i:03d}") for i in range(100, 220)]
    harness.answers[("GET", "/api/dids")] = (200, {"items": rows[:100], "next": "page2"})
    harness.following["page2"] = {"items": rows[100:]}
    page = await open_page("/sites/paris")
    await expect(page.locator("#numbers-count")).to_have_text("120")
    await expect(page.locator("#numbers > tr")).to_have_count(50)
    await page.locator("#numbers-more").click()
    await expect(page.locator("#numbers > tr")).to_have_count(100)


# Routes


async def test_routes_by_prefix_and_the_last_resort(open_page: OpenPage) -> None:
    page = await open_page("/sites/paris")
    rows = page.locator("#routes > tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("+262")
    await expect(rows.first.locator("li").first).to_contain_text("Saint-Denis de La Réunion")
    await expect(page.locator("#routes-rest > li")).to_have_count(2)


async def test_a_route_is_added_by_keyboard(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#new-routes").press("Enter")
    await save(page, "route")
    await expect(page.locator("[data-error-for=trunks]")).to_have_text("Choisissez au moins un trunk.")
    await page.locator("#route-prefix").fill("+262")
    await page.locator("#route-form .order-item").filter(has_text="Secours").locator("input").press("Space")
    await page.locator("#route-prefix").press("Enter")
    await expect(page.locator("#route-prefix-error")).to_have_text("Il y a déjà une route pour ce préfixe.")
    await page.locator("#route-prefix").fill("00 44")
    path = f"{SITE}/routes"
    harness.answers[("PUT", path)] = problem(
        422, "invalid", "", ("routes[4].prefix", "Ce préfixe n’existe pas.")
    )
    await page.locator("#route-prefix").press("Enter")
    await expect(page.locator("#route-prefix-error")).to_have_text("Ce préfixe n’existe pas.")
    harness.answers[("PUT", path)] = (200, {"items": []})
    await page.locator("#route-prefix").press("Enter")
    await expect(page.locator("#route-dialog")).to_be_hidden()
    routes = sent(harness, "PUT", path)["routes"]
    assert {"trunk_id": BACKUP, "prefix": "+44", "priority": 1} in routes
    assert {"trunk_id": FAR, "prefix": "+262", "priority": 1} in routes
    assert len(routes) == 5


async def test_a_route_is_deleted(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#routes").get_by_role("button", name="+262").click()
    await page.locator("#route-form [data-delete]").click()
    harness.answers[("PUT", f"{SITE}/routes")] = (200, {"items": []})
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#toasts")).to_contain_text("La route est supprimée.")
    assert {route["prefix"] for route in sent(harness, "PUT", f"{SITE}/routes")["routes"]} == {"+336"}


async def test_which_way_a_number_would_take(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#probe-number").fill("06 12 34 56 78")
    await page.locator("#probe-number").press("Enter")
    answer = page.locator("#probe-answer")
    await expect(answer).to_contain_text("+33 6 12 34 56 78 part par le premier")
    await expect(page.locator("#probe-ways > li").first).to_contain_text("Secours OVHcloud")
    assert any(path == f"{SITE}/ways?number=06+12+34+56+78" for _, path, _ in harness.requests)
    # The first line falls while the answer is shown.
    down = scenes_sites.ways(time.time())
    down["trunks"][0]["up"] = False
    harness.answers[("GET", f"{SITE}/ways")] = (200, down)
    row = scenes_sites.links(time.time())["trunk:paris-2"] | {"up": False}
    await harness.put("links", "trunk:paris-2", row)
    await expect(answer).to_contain_text("par le trunk 2 de cette liste")
    await expect(page.locator("#probe-ways > li").first).to_contain_text("Coupé depuis")
    refused = {"number": "+8811234567", "allowed": False, "trunks": []}
    harness.answers[("GET", f"{SITE}/ways")] = (200, refused)
    await page.locator("#probe-number").fill("+881 1234567")
    await expect(answer).to_be_hidden()
    await page.locator("#probe-number").press("Enter")
    await expect(answer).to_contain_text("est refusé")
    harness.answers[("GET", f"{SITE}/ways")] = problem(422, "invalid", "", ("number", "Numéro inconnu."))
    await page.locator("#probe-number").fill("zzz")
    await page.locator("#probe-number").press("Enter")
    await expect(page.locator("#probe-error")).to_have_text("Numéro inconnu.")


# Opening hours


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


# What holds for every dialog

DIALOGS = {
    "site": ("/sites", "#new-site"),
    "site of Paris": ("/sites/paris", "#edit-site"),
    "trunk": ("/sites/paris", "#trunks [data-edit]"),
    "number": ("/sites/paris", "#new-numbers"),
    "route": ("/sites/paris", "#routes .pick-button"),
    "schedule": ("/schedules", "#schedules [data-edit]"),
}
WIDE = """() => [...document.querySelectorAll("dialog[open] *")].filter((e) => e.getClientRects().length
  && e.getBoundingClientRect().right > e.closest("dialog").getBoundingClientRect().right + 1
  && !e.closest(".visually-hidden")).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", DIALOGS)
async def test_dialogs_are_for_everybody(
    open_page: OpenPage, harness: Harness, name: str, theme: str
) -> None:
    harness.theme = theme
    path, opener = DIALOGS[name]
    page = await open_page(path)
    await ready(page)
    await page.locator(opener).first.click()
    await page.evaluate(
        "document.querySelectorAll('dialog[open] details').forEach((d) => { d.open = true; })"
    )
    await assert_accessible(page)
    assert await page.evaluate("document.activeElement.closest('dialog') !== null")
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate(WIDE) == []
    await assert_accessible(page)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await expect(page.locator(opener).first).to_be_focused()


async def test_names_are_text_never_markup(open_page: OpenPage, harness: Harness) -> None:
    evil = '<img src=x onerror="document.title=1">'
    rows = [scenes_sites.sites()[0] | {"name": evil}, *scenes_sites.sites()[1:]]
    harness.answers[("GET", "/api/sites")] = (200, {"items": rows})
    harness.answers[("GET", "/api/dids")] = (200, {"items": [scenes_sites.did("+33140000001", label=evil)]})
    page = await open_page("/sites/paris")
    await expect(page.locator("h1")).to_have_text(evil)
    await expect(page.locator("#numbers")).to_contain_text(evil)
    assert await page.locator("main img").count() == 0
