"""Two thousand numbers of a site: a page at a time, found by the server, and kept true by the stream."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Route, expect

from tests.browser import scenes, scenes_sites
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import ready

Row = dict[str, Any]


class Numbers:
    """What the API does with them: two thousand, by number, filtered by label."""

    def __init__(self) -> None:
        self.rows = [
            scenes_sites.did(f"+33140{n:06d}", label="Équipe Sud" if n % 100 == 7 else "", version="v1")
            for n in range(2000)
        ]
        self.asked: list[Mapping[str, list[str]]] = []

    async def answer(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        self.asked.append(query)
        text, after, limit = (query.get(name, [""])[0] for name in ("text", "after", "limit"))
        found = [row for row in self.rows if text.lower() in row["label"].lower()]
        page = [row for row in found if row["number"] > after][: int(limit)]
        more = bool(page) and page[-1] is not found[-1]
        await route.fulfill(
            json={"items": page, "next": page[-1]["number"] if more else "", "total": len(found)}
        )


async def test_they_are_loaded_on_and_found_by_the_server(open_page: OpenPage, harness: Harness) -> None:
    numbers = Numbers()
    page = await open_page("/schedules")
    await page.route("**/api/dids?*", numbers.answer)
    await page.goto(harness.url + "/sites/paris")
    await ready(page)
    rows = page.locator("#numbers > tr")
    await expect(rows).to_have_count(50)
    await expect(page.locator("#numbers-count")).to_have_text("2000")
    await page.locator("#numbers-more").click()
    await expect(rows).to_have_count(100)
    assert all(int(query["limit"][0]) <= 200 for query in numbers.asked)
    assert {query["site"][0] for query in numbers.asked} == {scenes.PARIS}
    await page.get_by_label("Choisir 01 40 00 00 99").check()
    await page.locator("#numbers-text").fill("équipe")
    await expect(rows).to_have_count(20)
    # What was chosen before stays chosen, though it is not seen.
    await expect(page.locator("#numbers-picked")).to_contain_text("1 numéro choisi")
    await expect(page.locator("#numbers-count")).to_have_text("2000")
    await page.locator("#numbers-text").fill("personne")
    await expect(page.locator("#numbers-unmatched")).to_be_visible()
    await page.locator("#numbers-text").fill("")
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="Les modifier ensemble").click()
    await page.locator("#number-label").fill("Seul")
    harness.answers[("PATCH", "/api/dids")] = (200, {"items": []})
    async with page.expect_request(lambda request: request.method == "PATCH") as sent:
        await page.locator("#number-form button[type=submit]").click()
    body = (await sent.value).post_data_json
    assert body is not None and body["ids"] == [scenes.uid("did +33140000099")]


async def test_a_change_is_seen_where_one_has_scrolled_to(open_page: OpenPage, harness: Harness) -> None:
    numbers = Numbers()
    page = await open_page("/schedules")
    await page.route("**/api/dids?*", numbers.answer)
    await page.goto(harness.url + "/sites/paris")
    await ready(page)
    rows = page.locator("#numbers > tr")
    await expect(rows).to_have_count(50)
    await page.locator("#numbers-more").click()
    await expect(rows).to_have_count(100)
    numbers.rows[80] = numbers.rows[80] | {"label": "Standard", "version": "v2"}
    await harness.put("sites", f"did:{numbers.rows[80]['id']}", numbers.rows[80])
    await expect(rows.nth(80)).to_contain_text("Standard")
    gone = numbers.rows.pop(10)
    await harness.put("sites", f"did:{gone['id']}", None)
    await expect(page.locator("#numbers-count")).to_have_text("1999")
    await expect(rows).to_have_count(100)
    await expect(page.locator(f"#did-{gone['id']}")).to_have_count(0)
