"""The history: filters, pages, live ends on top, one call's journey."""

import asyncio
import re
import time

from playwright.async_api import expect

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import quiet, ready
from tests.rig.wait import until


async def test_ends_come_on_top_without_reload(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    page = await open_page("/calls")
    await expect(page.locator("#calls > tr")).to_have_count(len(scenes.OUTCOMES))
    row = scenes.ended("new", time.time(), "busy", number="+33199001122")
    await harness.put("history", row["id"], row)
    await expect(page.locator("#calls > tr").first).to_contain_text("01 99 00 11 22")
    await expect(page.locator("#calls > tr").first).to_contain_text("Occupé")


async def test_filters_ask_the_server_and_guard_the_stream(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    page = await open_page("/calls")
    await expect(page.locator("#calls > tr")).to_have_count(len(scenes.OUTCOMES))
    async with page.expect_request(lambda r: "outcome=busy" in r.url) as asked:
        await page.select_option("#outcome", "busy")
    url = (await asked.value).url
    assert "date_from=" in url
    assert "Z" in url.split("date_from=")[1]
    async with page.expect_request(lambda r: "number=%2B33612" in r.url):
        await page.locator("#number").fill("0612")
    other = scenes.ended("other", time.time(), "answered", number="+33612000000")
    same = scenes.ended("same", time.time(), "busy", number="+33612000001")
    await harness.put("history", other["id"], other)
    await harness.put("history", same["id"], same)
    await expect(page.locator(f"#history-{same['id']}")).to_be_visible()
    await expect(page.locator(f"#history-{other['id']}")).to_have_count(0)


async def test_more_goes_on_from_the_last(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    rows = scenes.history(time.time())
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows[:5], "next": rows[4]["id"]})
    harness.following[rows[4]["id"]] = {"items": rows[5:], "next": None}
    page = await open_page("/calls")
    await ready(page)
    await expect(page.locator("#calls > tr")).to_have_count(5)
    await page.get_by_role("button", name="Afficher la suite").click()
    await expect(page.locator("#calls > tr")).to_have_count(len(rows))
    await expect(page.locator("#more-row")).to_be_hidden()
    assert any(f"after={rows[4]['id']}" in path for _, path, _ in harness.requests)


async def test_more_is_asked_for_while_the_list_is_read_again(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    rows = scenes.history(time.time())
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows[:5], "next": rows[4]["id"]})
    harness.following[rows[4]["id"]] = {"items": rows[5:], "next": None}
    page = await open_page("/calls")
    await ready(page)
    before = len(harness.requests)
    gate = harness.gates[("GET", "/api/calls")] = asyncio.Event()
    await harness.put("history", "*", None)
    await until(lambda: len(harness.requests) > before, "the list is read again")
    await page.get_by_role("button", name="Afficher la suite").click()
    gate.set()
    await expect(page.locator("#calls > tr")).to_have_count(len(rows))


async def test_a_journey_by_keyboard(open_page: OpenPage) -> None:
    page = await open_page("/calls")
    await ready(page)
    first = page.locator("#calls .pick-button").first
    await first.focus()
    await page.keyboard.press("Enter")
    panel = page.locator("#journey")
    await expect(panel).to_be_visible()
    await expect(panel.locator(".leg")).to_have_count(2)
    await expect(panel.locator(".step")).to_have_count(10)
    await expect(panel).to_contain_text("+3,190 s")
    await expect(panel).to_contain_text("2:06,480")
    await expect(page).to_have_url(re.compile(r"[?&]call="))
    await page.keyboard.press("Escape")
    await expect(panel).to_be_hidden()
    await expect(page).not_to_have_url(re.compile("call="))
    await expect(first).to_be_focused()


async def test_empty_is_said(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    harness.answers[("GET", "/api/calls")] = (200, {"items": [], "next": None})
    page = await open_page("/calls")
    await expect(page.locator("#calls-empty")).to_be_visible()
    await expect(page.locator("#calls-table")).to_be_hidden()


async def test_a_call_in_progress_runs_then_ends_in_its_place(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    harness.answers[("GET", "/api/calls")] = (200, {"items": [], "next": None})
    page = await open_page("/calls")
    await expect(page.locator("#calls-empty")).to_be_visible()
    now = time.time()
    row = scenes.call("now", now, state="ringing", answered_at=None)
    await harness.put("calls", row["id"], row)
    line = page.locator(f"#history-{row['id']}")
    await expect(line).to_contain_text("Sonnerie")
    await harness.put("calls", row["id"], row | {"state": "talking", "answered_at": now - 3661})
    await expect(line).to_contain_text(re.compile(r"\b1:\d\d:\d\d\b"))
    over = scenes.ended("now", now, talk_seconds=75.2)
    await harness.put("history", row["id"], over)
    await harness.put("calls", row["id"], None)
    await expect(line).to_contain_text("Décroché")
    await expect(line).to_contain_text("1:15")


async def test_an_end_that_was_missed_is_asked_for(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    row = scenes.call("lost", time.time())
    harness.answers[("GET", "/api/calls")] = (200, {"items": [row], "next": None})
    page = await open_page("/calls")
    line = page.locator(f"#history-{row['id']}")
    await expect(line).to_contain_text("En ligne")
    over = scenes.ended("lost", time.time(), "interrupted")
    harness.answers[("GET", "/api/calls")] = (200, {"items": [over], "next": None})
    await expect(line).to_contain_text("Interrompu")


async def test_announcements_that_were_missed_are_read_again(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    rows = scenes.history(time.time())
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows[1:], "next": None})
    page = await open_page("/calls")
    await ready(page)
    await expect(page.locator("#calls > tr")).to_have_count(len(rows) - 1)
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows, "next": None})
    # The node did not hear the owner for a while: key "*" on what is only announced (docs/live-stream.md).
    await harness.put("history", "*", None)
    await expect(page.locator("#calls > tr")).to_have_count(len(rows))
    # A new snapshot says the same of all such topics.
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows[2:], "next": None})
    await harness.cut()
    await expect(page.locator("#calls > tr")).to_have_count(len(rows) - 2)


async def test_the_history_is_read_again_when_the_node_missed_something(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.topics["history"] = {}
    page = await open_page("/calls")
    await ready(page)
    await expect(page.locator("#calls > tr")).not_to_have_count(0)
    async with page.expect_request(lambda request: "/api/calls?" in request.url):
        await harness.put("history", "*", None)


async def test_the_journey_of_a_call_in_progress_goes_on(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/calls")
    await ready(page)
    key, row = next(iter(harness.topics["calls"].items()))
    await page.locator(f'#calls > [data-key="{key}"]').click()
    await expect(page.locator("#journey")).to_be_visible()
    await quiet(page)
    async with page.expect_request(lambda request: request.url.endswith(f"/api/calls/{key}")):
        await harness.put("calls", key, {**row, "state": "on_hold", "hold_seconds": 3.0})
