"""Imports: what the file holds is seen first, all of it is made or nothing, passwords are told once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.browser import scenes_pbx
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import forgotten

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
USERS = "/api/users/import"
DROP = """(node) => {
  const given = new DataTransfer();
  given.items.add(new File(["login;site\\nawa;paris"], "équipe.CSV", { type: "application/vnd.ms-excel" }));
  node.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true }));
}"""


def asked(harness: Harness) -> list[tuple[str, Any]]:
    return [(path, body) for method, path, body in harness.requests if method == "POST"]


def csv(name: str = "users.csv", content: bytes = b"login\nawa") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


async def start(open_page: OpenPage, path: str = "/users") -> Page:
    page = await open_page(path)
    await page.get_by_role("button", name="Importer").click()
    return page


async def test_a_dropped_file_is_read_first_and_made_then(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report())
    page = await start(open_page)
    await assert_accessible(page)
    await page.locator("#import-drop").evaluate(DROP)
    await expect(page.locator("#import-verdict")).to_contain_text("12 lignes lues, sans erreur")
    await expect(page.locator("#import-unread")).to_contain_text("Colonnes non lues : Service.")
    assert asked(harness) == [(f"{USERS}?dry_run=true", b"login;site\nawa;paris")]
    create = page.get_by_role("button", name="Tout créer (12)")
    await expect(create).to_be_focused()
    await assert_accessible(page)
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report(created=True))
    await page.keyboard.press("Enter")
    await expect(page.locator("#import-credentials > tr")).to_have_count(12)
    assert asked(harness)[-1][0] == f"{USERS}?dry_run=false"
    await assert_accessible(page)
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Télécharger les mots de passe").click()
    lines = Path(await (await saved.value).path()).read_text("utf-8-sig").splitlines()
    assert lines[0] == "Nom;Identifiant;Mot de passe provisoire;Poste;Mot de passe SIP"
    assert lines[1] == "Camille Roux;camille.roux;Vif-Ruisseau-40;1001;kQ2mZr8tVx4b0"
    assert len(lines) == 13
    await page.keyboard.press("Escape")
    await expect(page.locator("#import-dialog")).to_be_hidden()
    await forgotten(page, "Vif-Ruisseau")


async def test_each_error_with_its_line_and_column(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report(errors=True))
    page = await start(open_page)
    await page.set_input_files("#import-file", csv())
    rows = page.locator("#import-errors > tr")
    await expect(rows).to_have_count(4)
    await expect(rows.nth(1)).to_contain_text("7")
    await expect(rows.nth(1)).to_contain_text("Poste")
    await expect(rows.nth(1)).to_contain_text("De deux à six chiffres.")
    await expect(page.locator("#import-verdict")).to_contain_text("Lignes correctes\u00a0: 9 sur 12")
    await expect(page.locator("#import-create")).to_be_disabled()
    await assert_accessible(page)
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report())
    await page.get_by_role("button", name="Choisir un autre fichier").click()
    await page.set_input_files("#import-file", csv())
    await expect(page.locator("#import-create")).to_be_enabled()


async def test_an_extension_taken_since_the_rehearsal(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report())
    page = await start(open_page)
    await page.set_input_files("#import-file", csv())
    await expect(page.locator("#import-create")).to_be_enabled()
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report(errors=True))
    await page.locator("#import-create").click()
    await expect(page.locator("#import-errors > tr")).to_have_count(4)
    await expect(page.locator("#import-done")).to_be_hidden()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (csv("users.ods"), "ni un CSV ni un XLSX"),
        (csv("users.csv", b"x" * (5 * 1024 * 1024 + 1)), "dépasse 5 Mio"),
    ],
    ids=["kind", "size"],
)
async def test_what_is_no_table_does_not_leave_the_page(
    open_page: OpenPage, harness: Harness, file: FilePayload, words: str
) -> None:
    page = await start(open_page)
    await page.set_input_files("#import-file", file)
    await expect(page.locator("#import-problem")).to_contain_text(words)
    assert asked(harness) == []


async def test_a_file_that_cannot_be_read_says_why(open_page: OpenPage, harness: Harness) -> None:
    refused = {
        "status": 422,
        "code": "invalid",
        "detail": "Refusé.",
        "errors": [{"message": "Aucune colonne."}],
    }
    harness.answers[("POST", USERS)] = (422, refused)
    page = await start(open_page)
    await page.set_input_files("#import-file", {"name": "u.xlsx", "mimeType": "", "buffer": b"PK"})
    await expect(page.locator("#import-problem")).to_contain_text("Aucune colonne.")
    await expect(page.locator("#import-choose")).to_be_visible()


async def test_passwords_are_told_although_the_dialog_was_closed(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report())
    page = await start(open_page)
    await page.set_input_files("#import-file", csv())
    await expect(page.locator("#import-create")).to_be_enabled()
    harness.answers[("POST", USERS)] = (200, scenes_pbx.import_report(created=True))
    made = harness.gates[("POST", USERS)] = asyncio.Event()
    await page.locator("#import-create").click()
    await harness.asked("POST", f"{USERS}?dry_run=false")
    await page.locator("#import-dialog [data-close]").first.click()
    await expect(page.locator("#import-dialog")).to_be_hidden()
    made.set()
    await expect(page.locator("#import-credentials > tr")).to_have_count(12)
    await expect(page.locator("#import-dialog")).to_be_visible()


async def test_phones_are_imported_alike(open_page: OpenPage, harness: Harness) -> None:
    report = scenes_pbx.import_report(created=True)
    for one in report["credentials"]:
        one |= {"login": "", "password": "", "name": "Accueil"}
    harness.answers[("POST", "/api/phones/import")] = (200, scenes_pbx.import_report())
    page = await start(open_page, "/phones")
    templates = await page.locator("#import-choose a").evaluate_all(
        "all => all.map(a => a.getAttribute('href'))"
    )
    assert templates == [f"/api/phones/import-template?format={kind}" for kind in ("xlsx", "csv")]
    await page.set_input_files("#import-file", {"name": "p.xlsx", "mimeType": XLSX, "buffer": b"PK"})
    await expect(page.locator("#import-create")).to_be_enabled()
    harness.answers[("POST", "/api/phones/import")] = (200, report)
    await page.locator("#import-create").click()
    await expect(page.locator("#import-columns")).to_have_text("NomPosteMot de passe SIP")
