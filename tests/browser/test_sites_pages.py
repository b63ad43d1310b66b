"""All sites, one site, and what holds for every dialog: each flow, its refusals, and what others change meanwhile."""

import time

import pytest
from playwright.async_api import expect

from tests.browser import scenes, scenes_sites
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import SITE, save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready, resize, toasted

HOURS_APART = """() => {
  const hour = (name) => {
    const row = [...document.querySelectorAll("#sites > tr")].find(({ textContent }) => textContent.includes(name));
    return parseInt(row.querySelector("[data-clock]").textContent, 10);
  };
  return [2, 3].includes((hour("La Réunion") - hour("Paris") + 24) % 24);
}"""


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
    # Both clocks at one look: the hour may strike. Summer and winter in Paris; none there.
    await page.wait_for_function(HOURS_APART)


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
    await toasted(page, "Enregistré")
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
    await expect(page.locator("#site-dialog [data-changed]")).to_contain_text(
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
    await expect(page.locator("dialog[open] :focus")).to_have_count(1)
    await resize(page, 390, 844)
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
    await expect(page.locator("main img")).to_have_count(0)
