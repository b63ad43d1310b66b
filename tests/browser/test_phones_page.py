"""Phones: found, made alone or in a range, set up from what is told once; agents' phones and whether they are there."""

from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.browser import scenes, scenes_pbx
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import forgotten, ready, toasted


def problem(status: int, code: str, detail: str, *errors: tuple[str, str]) -> tuple[int, dict[str, object]]:
    fields = [{"field": field, "code": "x", "message": message} for field, message in errors]
    return status, {"status": status, "code": code, "detail": detail, "errors": fields}


def phone(extension: str) -> dict[str, Any]:
    return next(row for row in scenes_pbx.phones() if row["extension"] == extension)


def bodies(harness: Harness, method: str, path: str) -> list[Any]:
    return [body for verb, asked, body in harness.requests if (verb, asked) == (method, path)]


async def test_every_phone_with_whose_it_is_and_whether_it_is_there(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await open_page("/phones")
    rows = page.locator("#phones > tr")
    await expect(rows).to_have_count(11)
    await expect(rows.nth(0)).to_contain_text("203")
    await expect(rows.nth(0)).to_contain_text("06 12 34 56 78")
    sophie = page.locator(f"#phone-{phone('204')['id']}")
    await expect(sophie).to_contain_text("Sophie Marchand")
    await expect(sophie.locator(".pill")).to_have_text("Connecté")
    agent = harness.topics["agents"][scenes.uid("Sophie Marchand")]
    await harness.put("agents", agent["id"], agent | {"phone": "unreachable"})
    await expect(sophie.locator(".pill")).to_have_text("Injoignable")
    await expect(page.locator(f"#phone-{phone('203')['id']} .pill")).to_be_hidden()
    desk = phone("301")
    for extension, words in (("301", "Connecté"), ("302", "Non connecté"), ("303", "État inconnu")):
        await expect(page.locator(f"#phone-{phone(extension)['id']} .pill")).to_have_text(words)
    station = harness.topics["stations"][desk["id"]]
    await harness.put("stations", desk["id"], station | {"state": "unregistered"})
    await expect(page.locator(f"#phone-{desk['id']} .pill")).to_have_text("Non connecté")


async def test_filters_ask_and_others_changes_are_read_again(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/phones")
    await expect(page.locator("#phones > tr")).to_have_count(11)
    await ready(page)
    only: dict[str, Any] = {"items": [phone("302")], "next": ""}
    harness.answers[("GET", "/api/phones")] = (200, only)
    await page.locator("#text").fill("réunion")
    async with page.expect_request(lambda request: "text=r%C3%A9union&kind=physical" in request.url):
        await page.select_option("#kind", "physical")
    await expect(page.locator("#phones > tr")).to_have_count(1)
    harness.answers[("GET", "/api/phones")] = (200, {"items": [], "next": ""})
    await harness.put("phones", only["items"][0]["id"], None)
    await expect(page.locator("#phones-empty")).to_be_visible()


async def test_more_phones_on_demand(open_page: OpenPage, harness: Harness) -> None:
    rows = scenes_pbx.phones()
    harness.answers[("GET", "/api/phones")] = (200, {"items": rows[:6], "next": "208"})
    harness.following["208"] = {"items": rows[6:], "next": ""}
    page = await open_page("/phones")
    await ready(page)
    await expect(page.locator("#phones > tr")).to_have_count(6)
    await page.locator("#more").click()
    await expect(page.locator("#phones > tr")).to_have_count(11)
    await expect(page.locator("#more")).to_be_hidden()


async def test_a_phone_is_made_and_set_up_from_what_is_told_once(
    open_page: OpenPage, harness: Harness
) -> None:
    made = scenes_pbx.account("304")
    harness.answers[("POST", "/api/phones")] = (201, {"items": [made]})
    page = await open_page("/phones")
    await page.get_by_role("button", name="Nouveau téléphone").click()
    await assert_accessible(page)
    await page.select_option("#phone-site", label="Lyon")
    await page.locator("#phone-label").fill("Salle de réunion Belleville")
    await page.locator("#phone-extension").fill("304")
    await page.keyboard.press("Enter")
    secrets = page.locator("#secret-dialog")
    await expect(secrets.locator("code[data-field=sip_secret]")).to_have_text(made["secret"])
    assert bodies(harness, "POST", "/api/phones") == [
        {"site_id": scenes.LYON, "label": "Salle de réunion Belleville", "extension": "304"}
    ]
    await expect(secrets).to_contain_text("Vous ne le reverrez plus")
    await expect(page.locator("#provisioning-many")).to_be_hidden()
    drawn = "() => document.querySelector('#provisioning-qr').naturalWidth > 0"
    await page.wait_for_function(drawn)
    await expect(page.locator("#provisioning-once")).to_be_visible()
    await assert_accessible(page)
    await page.locator("#provisioning-clients input").first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#provisioning-text")).to_contain_text("Serveur : 10.0.0.5:5060")
    await expect(page.locator("#provisioning-qr")).to_be_hidden()
    await secrets.get_by_role("radio", name="MicroSIP").check()
    async with page.expect_download() as saved:
        await page.locator("#provisioning-save").click()
    download = await saved.value
    assert download.suggested_filename == "microsip-304.ini"
    assert made["secret"] in Path(await download.path()).read_text()
    await page.get_by_role("button", name="C’est copié").click()
    await expect(secrets).to_be_hidden()
    await forgotten(page, made["secret"])


async def test_a_range_of_phones_has_one_file_for_all(open_page: OpenPage, harness: Harness) -> None:
    made = [scenes_pbx.account(str(extension), "=1+1") for extension in (310, 311, 312)]
    harness.answers[("POST", "/api/phones")] = (201, {"items": made})
    page = await open_page("/phones")
    await page.get_by_role("button", name="Nouveau téléphone").click()
    await page.locator("#phone-extension").fill("310")
    await page.locator("#phone-last").fill("312")
    await page.locator("#phone-form [type=submit]").click()
    await expect(page.locator("#secret-title")).to_have_text("3 téléphones créés")
    assert bodies(harness, "POST", "/api/phones")[0]["last"] == "312"
    await page.select_option("#provisioning-phone", "2")
    await expect(page.locator("code[data-field=sip_secret]")).to_have_text(made[2]["secret"])
    await expect(page.locator("#provisioning-text")).to_contain_text(made[2]["secret"])
    async with page.expect_download() as saved:
        await page.locator("#provisioning-all").click()
    lines = Path(await (await saved.value).path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("Poste;Libellé;")
    # A label that a spreadsheet would calculate stays a label.
    assert lines[1].startswith("310;'=1+1;310;wN7-310-")


async def test_a_refused_range_says_where(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/phones")] = problem(
        409, "extensions_taken", "Pris.", ("extension", "Ces postes sont pris : 310, 311.")
    )
    page = await open_page("/phones")
    await page.get_by_role("button", name="Nouveau téléphone").click()
    await page.locator("#phone-extension").fill("310")
    await page.locator("#phone-form [type=submit]").click()
    await expect(page.locator("#phone-extension-error")).to_have_text("Ces postes sont pris : 310, 311.")
    await expect(page.locator("#phone-extension")).to_be_focused()


async def test_a_sites_phone_is_edited_reset_and_taken_away(open_page: OpenPage, harness: Harness) -> None:
    chosen = phone("302")
    path = f"/api/phones/{chosen['id']}"
    harness.answers[("PATCH", path)] = (200, chosen)
    harness.answers[("POST", f"{path}/reset")] = (200, scenes_pbx.account("302"))
    page = await open_page("/phones")
    await page.get_by_role("button", name="302").click()
    await expect(page.locator("#phone-last")).to_be_hidden()
    await page.locator("#phone-label").fill("Salle Ménilmontant")
    await page.locator("#phone-form [type=submit]").click()
    await toasted(page, "Enregistré")
    assert bodies(harness, "PATCH", path) == [{"label": "Salle Ménilmontant"}]
    await page.get_by_role("button", name="302").click()
    await page.locator("#phone-form").get_by_role("button", name="Nouveau mot de passe SIP").click()
    await expect(page.locator("#secret-dialog")).to_contain_text("wN7-302-")
    await page.keyboard.press("Escape")
    await expect(page.locator("#secret-dialog")).to_be_hidden()
    await page.get_by_role("button", name="302").click()
    await page.get_by_role("button", name="Supprimer").click()
    confirm = page.locator("#confirm")
    await expect(confirm).to_contain_text("Supprimer le téléphone 302")
    await assert_accessible(page)
    harness.answers[("DELETE", path)] = problem(409, "phone_in_use", "Des numéros y mènent : 01 40 00 00 01.")
    await confirm.get_by_role("button", name="Supprimer").click()
    await expect(confirm).to_contain_text("Des numéros y mènent")
    harness.answers[("DELETE", path)] = (204, None)
    await confirm.get_by_role("button", name="Supprimer").click()
    await expect(confirm).to_be_hidden()
    await expect(page.locator("#phone-dialog")).to_be_hidden()


async def test_an_agents_phone_leads_to_its_agent(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("GET", f"/api/users/{scenes.uid('Karim Benali')}")] = (
        200,
        scenes.users()[2] | {"station": "mobile", "mobile": "+33612345678"},
    )
    page = await open_page("/phones")
    await page.get_by_role("button", name="203").click()
    dialog = page.locator("#agent-phone")
    await expect(dialog).to_contain_text("Karim Benali")
    # A mobile has no SIP password.
    await expect(dialog.get_by_role("button", name="Nouveau mot de passe SIP")).to_be_hidden()
    await assert_accessible(page)
    await dialog.get_by_role("link", name="Ouvrir l’agent").click()
    await page.wait_for_url("**/users")
    await expect(page.locator("#user-title")).to_have_text("Karim Benali")
    await expect(page.locator("#mobile")).to_have_value("+33612345678")
    await expect(page.locator("#reset-phone")).to_be_hidden()


async def test_an_agent_answers_on_a_softphone_a_browser_or_a_mobile(
    open_page: OpenPage, harness: Harness
) -> None:
    user = scenes.users()[3] | {"station": "softphone", "mobile": ""}
    account = scenes_pbx.account("1004")
    harness.answers[("POST", "/api/users")] = (
        201,
        {
            "user": user,
            "password": "Vif-Ruisseau-42",
            "sip_secret": account["secret"],
            "provisioning": account["provisioning"],
        },
    )
    page = await open_page("/users")
    await page.get_by_role("button", name="Nouvel utilisateur").click()
    await expect(page.locator("#station")).to_be_hidden()
    await page.locator("#user-login").fill("awa")
    await page.locator("#extension").fill("1004")
    await page.get_by_role("radio", name="Mobile").check()
    await page.locator("#mobile").fill("06 12 34 56 78")
    harness.answers[("POST", "/api/users")], well = (
        problem(422, "invalid", "", ("mobile", "Ce n’est pas un numéro.")),
        harness.answers[("POST", "/api/users")],
    )
    await page.locator("#user-form [type=submit]").click()
    await expect(page.locator("#mobile-error")).to_have_text("Ce n’est pas un numéro.")
    sent = bodies(harness, "POST", "/api/users")[0]
    assert (sent["station"], sent["mobile"]) == ("mobile", "06 12 34 56 78")
    await page.get_by_role("radio", name="Softphone").check()
    await expect(page.locator("#mobile")).to_be_hidden()
    harness.answers[("POST", "/api/users")] = well
    await page.locator("#user-form [type=submit]").click()
    secrets = page.locator("#secret-dialog")
    await expect(secrets.locator("code[data-field=password]")).to_have_text("Vif-Ruisseau-42")
    await expect(secrets.locator("code[data-field=sip_secret]")).to_have_text(account["secret"])
    await expect(secrets.locator("#provisioning-facts")).to_contain_text("1004")
    sent = bodies(harness, "POST", "/api/users")[1]
    assert (sent["station"], sent["mobile"]) == ("softphone", "")
    await secrets.get_by_role("button", name="C’est copié").click()
    await forgotten(page, "Vif-Ruisseau-42")
