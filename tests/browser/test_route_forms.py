"""A site's outgoing routes, and the way that a number would take."""

import time

from playwright.async_api import expect

from tests.browser import scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import BACKUP, FAR, SITE, save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready, toasted


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
    await toasted(page, "La route est supprimée.")
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
