"""A number's third destination in its form, its list and the journey of a call."""

from playwright.async_api import expect

from tests.browser import scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.site_forms import save, sent
from tests.browser.test_accounts_pages import problem
from tests.browser.witness import ready


async def test_who_takes_over_is_chosen_where_somebody_is_rung(open_page: OpenPage, harness: Harness) -> None:
    chosen = scenes_sites.did("+33140000012")
    page = await open_page("/sites/paris")
    await ready(page)
    await page.locator("#numbers-text").fill("jean-bap")
    await expect(page.locator("#numbers > tr")).to_have_count(1)
    await page.locator("#numbers > tr").click()
    third = page.locator("[name='unanswered.target']")
    await expect(third).to_have_value("none")
    await expect(page.locator("#number-ring")).to_have_value("30")
    await page.select_option("[name='opened.target']", "voicemail")
    await expect(third).to_be_hidden()
    await page.select_option("[name='opened.target']", "agent")
    await expect(third).to_be_visible()
    await third.select_option("number")
    await page.locator("[name='unanswered.forward_to']").fill("06 12 34 56 78")
    await page.locator("#number-ring").fill("15")
    harness.answers[("PATCH", f"/api/dids/{chosen['id']}")] = problem(
        422, "invalid", "Refusé.", ("unanswered.forward_to", "Ce site ne peut pas appeler ce numéro.")
    )
    await save(page, "number")
    await expect(page.locator("[data-error-for=unanswered]")).to_have_text(
        "Ce site ne peut pas appeler ce numéro."
    )
    after = scenes_sites.did(
        "+33140000012",
        unanswered=scenes_sites.destination("number", forward_to="+33612345678"),
        ring_seconds=15,
    )
    harness.answers[("PATCH", f"/api/dids/{chosen['id']}")] = (200, after)
    harness.answers[("GET", "/api/dids")] = (200, {"items": [after], "total": 1})
    await save(page, "number")
    await expect(page.locator("#number-dialog")).to_be_hidden()
    assert sent(harness, "PATCH", f"/api/dids/{chosen['id']}") == {
        "unanswered": scenes_sites.destination("number", forward_to="06 12 34 56 78"),
        "ring_seconds": 15,
    }
    shown = page.locator("#numbers [data-field=unanswered]")
    await expect(shown).to_contain_text("06 12 34 56 78")
