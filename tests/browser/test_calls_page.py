"""The history: filters, pages, live ends on top, one call's journey."""

import asyncio
import re
import time

from playwright.async_api import Page, expect

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness, Row
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


def paged(harness: Harness, pages: list[list[Row]]) -> None:
    """The list answers these pages, one after the other."""
    cursors = [page[-1]["id"] for page in pages[:-1]] + [None]
    answers = [{"items": page, "next": cursor} for page, cursor in zip(pages, cursors, strict=True)]
    harness.answers[("GET", "/api/calls")] = (200, answers[0])
    harness.following = dict(zip(cursors[:-1], answers[1:], strict=True))


async def shows(page: Page, rows: list[Row]) -> None:
    """The list shows these calls in this order."""
    keys = [row["id"] for row in rows]
    await page.wait_for_function(
        "(keys) => [...document.querySelectorAll('#calls > tr')].map((tr) => tr.dataset.key).join() === keys.join()",
        arg=keys,
    )


async def test_the_list_is_read_again_as_long_as_it_was(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    rows = scenes.history(time.time())
    paged(harness, [rows[:3], rows[3:6], rows[6:]])
    page = await open_page("/calls")
    await ready(page)
    await shows(page, rows[:3])
    await page.get_by_role("button", name="Afficher la suite").click()
    await shows(page, rows[:6])
    renamed = [row | {"agent": "Lu à nouveau"} for row in rows]
    paged(harness, [renamed[:3], renamed[3:6], renamed[6:]])
    await harness.put("history", "*", None)
    await expect(page.locator("#calls > tr").nth(5)).to_contain_text("Lu à nouveau")
    await shows(page, rows[:6])
    await expect(page.locator("#more-row")).to_be_visible()


async def test_what_has_no_room_is_dropped_and_found_again(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    now = time.time()
    rows = [scenes.ended(f"e{i}", now, started_at=now - 100 - i) for i in range(60)]
    harness.answers[("GET", "/api/calls")] = (200, {"items": rows[10:], "next": None})
    page = await open_page("/calls")
    await ready(page)
    await shows(page, rows[10:])
    await expect(page.locator("#more-row")).to_be_hidden()
    for row in reversed(rows[:10]):
        await harness.put("history", row["id"], row)
    await shows(page, rows[:50])
    # One that began long ago has its place on the next page, whatever the stream tells of it.
    await harness.put("history", rows[55]["id"], rows[55])
    newest = scenes.ended("newest", now, started_at=now - 1)
    await harness.put("history", newest["id"], newest)
    await shows(page, [newest, *rows[:49]])
    harness.answers[("GET", "/api/calls")] = (200, {"items": [newest, *rows], "next": None})
    await page.get_by_role("button", name="Afficher la suite").click()
    await shows(page, [newest, *rows])
    await expect(page.locator("#more-row")).to_be_hidden()


async def opened_and_listening(open_page: OpenPage, harness: Harness) -> Page:
    """The list page, whose two first readings (as it opens, as its stream begins) are answered once both are asked for:
    the third is surely the one that catches up."""
    gate = harness.gates[("GET", "/api/calls")] = asyncio.Event()
    page = await open_page("/calls")
    await until(
        lambda: sum(path.startswith("/api/calls?") for _, path, _ in harness.requests) >= 2, "read twice"
    )
    gate.set()
    return page


async def test_an_end_that_was_written_just_after_the_reading_is_caught_up_with(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    rows = scenes.history(time.time())
    before = {"items": rows[1:], "next": None}
    # Read as the page opens and as its stream begins; then once more, the first page only: what follows stays.
    harness.turns[("GET", "/api/calls")] = [before, before, {"items": rows[:3], "next": rows[2]["id"]}]
    page = await opened_and_listening(open_page, harness)
    await shows(page, rows)
    await expect(page.locator("#more-row")).to_be_hidden()


async def test_no_end_is_asked_for_while_the_page_is_blind(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["history"] = {}
    harness.topics["calls"] = {}
    harness.blind_since = time.time()
    now = time.time()
    lost = scenes.call("lost", now)
    other = scenes.ended("other", now, started_at=now - 200)
    before = {"items": [lost], "next": None}
    harness.turns[("GET", "/api/calls")] = [before, before, {"items": [other], "next": None}]
    page = await opened_and_listening(open_page, harness)
    # Its third reading adds to what it shows: it is no list anew, from which the lost one would be gone.
    await expect(page.locator(f"#history-{other['id']}")).to_be_visible()
    await shows(page, [lost, other])
    await harness.go_blind(None)
    await shows(page, [other])


async def test_of_the_calls_that_ended_the_last_ones_are_kept(open_page: OpenPage) -> None:
    page = await open_page("/calls")
    kept = await page.evaluate("""async () => {
      const { makeStore } = await import("lib/store");
      const store = makeStore();
      for (let i = 0; i < 700; i += 1) store.apply([["history", `h${i}`, { i }], ["calls", `c${i}`, { i }]]);
      return [store.rows("history").size, store.rows("history").has("h699"), store.rows("calls").size];
    }""")
    assert kept == [500, True, 700]


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
