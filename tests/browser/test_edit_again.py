"""After a conflict or a refusal: what was typed is still sent, and nobody is refused for what no form shows."""

from typing import Any

import msgspec
from ccserver.web.api.users import UserFilter
from playwright.async_api import Page, expect

from tests.browser import scenes, scenes_pbx, scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import BACKUP, SITE, save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.test_edit_conflicts import DID, DID_PATH, changed, open_number, panel, save_and_see
from tests.browser.witness import quiet, ready, toasted

Row = dict[str, Any]


class Scripted:
    """Answers of one path, one after the other, with the version that each request named."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str | None, Any]] = []

    async def __call__(self, route: Any) -> None:
        request = route.request
        if request.method == "GET":
            await route.fallback()
            return
        self.asked.append((request.method, request.headers.get("if-match"), request.post_data_json))
        status, body = self.answers.pop(0)
        if body is None:
            await route.fulfill(status=status)
        else:
            await route.fulfill(status=status, json=body)


async def test_a_new_password_survives_somebody_elses_change(open_page: OpenPage, harness: Harness) -> None:
    trunks = [row | {"version": "v1"} for row in scenes_sites.trunks()]
    harness.answers[("GET", "/api/trunks")] = (200, {"items": trunks})
    path = f"/api/trunks/{BACKUP}"
    page = await open_page("/sites/paris")
    await ready(page)
    await page.get_by_role("button", name="Secours OVHcloud", exact=True).click()
    await page.locator("#trunk-secret").fill("très-secret")
    harness.answers[("PATCH", path)] = changed(trunks[1] | {"name": "Secours", "version": "v2"})
    await save(page, "trunk")
    await page.get_by_role("button", name="Compris").click()
    await expect(page.locator("#trunk-name")).to_have_value("Secours")
    await expect(page.locator("#trunk-secret")).to_have_value("très-secret")
    harness.answers[("PATCH", path)] = (200, trunks[1] | {"version": "v3"})
    again = await save_and_see(page, "trunk", path)
    assert again.headers["if-match"] == '"v2"'
    assert sent(harness, "PATCH", path) == {"secret": "très-secret"}
    await expect(page.locator("#trunk-dialog")).to_be_hidden()
    await page.get_by_role("button", name="Secours OVHcloud", exact=True).click()
    await expect(page.locator("#trunk-secret")).to_have_value("")


async def test_a_phone_whose_password_was_reset_is_deleted(open_page: OpenPage, harness: Harness) -> None:
    """Its version is another, but nothing that the form shows: no question."""
    phone = next(p for p in scenes_pbx.phones() if p["kind"] == "physical") | {"version": "v1"}
    harness.answers[("GET", "/api/phones")] = (200, {"items": [phone], "next": ""})
    page = await open_page("/phones")
    await ready(page)
    script = Scripted(changed(phone | {"version": "v2"}), (204, None))
    await page.route(f"**/api/phones/{phone['id']}", script)
    await page.get_by_role("button", name=phone["extension"]).click()
    await page.locator("#phone-form [data-delete]").click()
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert [(method, version) for method, version, _ in script.asked] == [
        ("DELETE", '"v1"'),
        ("DELETE", '"v2"'),
    ]


async def open_user(open_page: OpenPage, harness: Harness, user: Row) -> Page:
    harness.answers[("GET", "/api/users")] = (200, {"items": [user], "next": ""})
    page = await open_page("/users")
    await page.get_by_role("button", name="Jean-Baptiste Le Goff").click()
    return page


async def test_who_changed_their_own_language_is_deactivated(open_page: OpenPage, harness: Harness) -> None:
    user = scenes.users()[4] | {"version": "v1", "locale": "fr"}
    page = await open_user(open_page, harness, user)
    theirs = user | {"locale": "en", "version": "v2"}
    script = Scripted(changed(theirs), (200, {"user": theirs | {"active": False}}))
    await page.route(f"**/api/users/{user['id']}", script)
    await page.locator("#toggle-active").click()
    await expect(page.locator("#user-dialog")).to_be_hidden()
    await toasted(page, "ne peut plus se connecter")
    wanted = {"active": False}
    assert script.asked == [("PATCH", '"v1"', wanted), ("PATCH", '"v2"', wanted)]


async def test_two_who_deactivate_one_user_do_not_undo_each_other(
    open_page: OpenPage, harness: Harness
) -> None:
    user = scenes.users()[4] | {"version": "v1"}
    page = await open_user(open_page, harness, user)
    theirs = user | {"active": False, "version": "v2"}
    script = Scripted(changed(theirs), (200, {"user": theirs}))
    await page.route(f"**/api/users/{user['id']}", script)
    await page.locator("#toggle-active").click()
    await expect(page.locator("#user-dialog")).to_be_hidden()
    assert [body for _, _, body in script.asked] == [{"active": False}, {"active": False}]


async def test_what_is_wrong_in_a_hidden_part_is_said_above(open_page: OpenPage, harness: Harness) -> None:
    page = await open_number(open_page, harness)
    await page.select_option("[name='unanswered.target']", "number")
    await page.locator("#number-ring").fill("400")
    await page.select_option("[name='opened.target']", "voicemail")
    await expect(page.locator("#number-ring")).to_be_hidden()
    harness.answers[("PATCH", DID_PATH)] = problem(
        422,
        "invalid",
        "Refusé.",
        ("ring_seconds", "Entre 5 et 120."),
        ("unanswered.forward_to", "Ce numéro n’existe pas."),
    )
    await save(page, "number")
    banner = page.locator("#number-form [data-form-error]")
    await expect(banner).to_contain_text("Après tant de secondes de sonnerie – Entre 5 et 120.")
    await expect(banner).to_contain_text("– Ce numéro n’existe pas.")
    # Seen again, they are told where they are, and the banner has nothing of its own to say.
    await page.select_option("[name='opened.target']", "agent")
    await save(page, "number")
    await expect(page.locator("#number-ring-error")).to_have_text("Entre 5 et 120.")
    await expect(banner).to_be_hidden()


async def test_a_version_that_is_over_is_no_news(open_page: OpenPage, harness: Harness) -> None:
    """The stream was away when the row changed; another row makes the list look once more."""
    phone, other = [p | {"version": "v1"} for p in scenes_pbx.phones() if p["kind"] == "physical"][:2]
    harness.answers[("GET", "/api/phones")] = (200, {"items": [phone, other], "next": ""})
    page = await open_page("/phones")
    await ready(page)
    await page.get_by_role("button", name=phone["extension"]).click()
    await page.locator("#phone-form [name=extension]").fill("399")
    path = f"/api/phones/{phone['id']}"
    harness.answers[("PATCH", path)] = changed(phone | {"label": "Hall", "version": "v3"})
    await save(page, "phone")
    await page.get_by_role("button", name="Compris").click()
    await expect(panel(page)).to_be_hidden()
    await page.evaluate("() => { window.seen = 0; }")
    await page.evaluate(
        """() => new MutationObserver(() => { seen += 1; })
          .observe(document.querySelector("#phone-dialog [data-changed]"), { attributes: true })"""
    )
    async with page.expect_response(lambda r: "/api/phones?" in r.url or r.url.endswith("/api/phones")):
        await harness.put("phones", other["id"], other | {"label": "Loge", "version": "v2"})
    await quiet(page)
    assert await page.evaluate("seen") == 0
    await expect(page.locator("#phone-form [name=label]")).to_have_value("Hall")


async def pick_two(open_page: OpenPage, harness: Harness, *dids: Row) -> Page:
    harness.answers[("GET", "/api/dids")] = (200, {"items": list(dids), "next": "", "total": len(dids)})
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#numbers-all").check()
    await expect(page.locator("#numbers-picked")).to_contain_text("2 numéros choisis")
    return page


async def test_deleting_many_goes_on_after_a_refusal(open_page: OpenPage, harness: Harness) -> None:
    first, second = (scenes_sites.did(f"+3314000001{i}", version="v1") for i in range(2))
    page = await pick_two(open_page, harness, first, second)
    await page.get_by_role("button", name="Les modifier ensemble").click()
    await page.locator("#number-form [data-delete]").click()
    one, two = (f"/api/dids/{did['id']}" for did in (first, second))
    harness.answers[("DELETE", one)] = (204, None)
    harness.answers[("DELETE", two)] = problem(409, "in_use", "Encore utilisé.")
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("#confirm [data-form-error]")).to_contain_text("01 40 00 00 11")
    harness.answers[("DELETE", one)] = problem(404, "not_found", "Introuvable.")
    harness.answers[("DELETE", two)] = (204, None)
    await page.locator("#confirm [data-act]").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    assert [p for m, p, _ in harness.requests if m == "DELETE"] == [one, two, two]


async def test_what_was_deleted_unheard_is_chosen_no_more(open_page: OpenPage, harness: Harness) -> None:
    first, second = (scenes_sites.did(f"+3314000001{i}", version="v1") for i in range(2))
    page = await pick_two(open_page, harness, first, second)
    harness.answers[("GET", "/api/dids")] = (200, {"items": [second], "next": "", "total": 1})
    await harness.cut()
    await expect(page.locator("#numbers > tr")).to_have_count(1)
    await expect(page.locator("#numbers-picked")).to_contain_text("1 numéro choisi")


async def test_a_number_that_moved_is_not_called_deleted(open_page: OpenPage, harness: Harness) -> None:
    page = await open_number(open_page, harness)
    # The server tells of it twice: who sees only this site hears the first alone.
    await harness.put("sites", f"did:{DID['id']}", None)
    await harness.put("sites", f"did:{DID['id']}", DID | {"site_id": scenes.LYON, "version": "v2"})
    await expect(page.locator("#number-dialog [data-note]")).to_contain_text("vers un autre site")


async def test_a_new_route_goes_by_the_list_as_it_is(open_page: OpenPage, harness: Harness) -> None:
    path = f"{SITE}/routes"
    routes = scenes_sites.routes()
    harness.answers[("GET", "/api/routes")] = (200, {"items": routes, "versions": {scenes.PARIS: "l1"}})
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#new-routes").click()
    await page.locator("#route-form [name=prefix]").fill("+44")
    boxes = page.locator("#route-form .order-item")
    await boxes.filter(has_text="Secours OVHcloud").locator("input").check()
    left = routes[2:]
    harness.answers[("GET", "/api/routes")] = (200, {"items": left, "versions": {scenes.PARIS: "l2"}})
    harness.answers[("PUT", path)] = changed({"site_id": scenes.PARIS, "items": left, "version": "l2"})
    await save(page, "route")
    await expect(page.locator("#route-form [data-form-error]")).to_contain_text("entre-temps")
    harness.answers[("PUT", path)] = (200, {"items": left, "version": "l3"})
    again = await save_and_see(page, "route", path)
    assert again.headers["if-match"] == '"l2"'
    assert {route["prefix"] for route in sent(harness, "PUT", path)["routes"]} == {"+336", "+44"}


async def test_sites_are_found_by_numbers_of_every_page(open_page: OpenPage, harness: Harness) -> None:
    """Two hundred numbers of one site do not hide another site's, and a number that comes is found."""
    many = [scenes_sites.did(f"+33140000{i:03d}") for i in range(200)]
    page = await open_page("/sites")
    await ready(page)
    harness.answers[("GET", "/api/dids")] = (200, {"items": many, "next": "page2"})
    harness.following["page2"] = {"items": [scenes_sites.did("+33478000001", scenes.LYON)], "next": ""}
    await page.locator("#text").fill("0000")
    rows = page.locator("#sites > tr")
    await expect(rows).to_have_count(2)
    await expect(rows.filter(has_text="Lyon")).to_contain_text("04 78 00 00 01")
    harness.following["page2"] = {"items": [], "next": ""}
    await harness.put("sites", f"did:{scenes.uid('did +33478000001')}", None)
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("01 40 00 00 00")


async def test_no_more_is_typed_than_the_server_reads(open_page: OpenPage) -> None:
    page = await open_page("/users")
    limit = msgspec.json.schema(UserFilter)["$defs"]["UserFilter"]["properties"]["text"]["maxLength"]
    await expect(page.locator("#text")).to_have_attribute("maxlength", str(limit))
