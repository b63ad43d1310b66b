"""A board of hundreds: what changes is put where a freshly opened page would have it, and nothing else is touched."""

import random
import re
import time
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bench.board_scene import BigScene
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness

SHOWN = """() => {
  const text = (row, name) => row.querySelector(`[data-field=${name}]`).textContent;
  const told = (row, ...names) => [row.id, ...names.map((name) => text(row, name))];
  return {
    agents: [...document.querySelectorAll("#agents > li")].map((row) => told(row, "name", "state", "place")),
    calls: [...document.querySelectorAll("#calls > tr")].map((row) => told(row, "agent", "number", "state")),
    counts: [...document.querySelectorAll("#counts [data-field=value]")].map((value) => value.textContent),
  };
}"""


@pytest.fixture
def scene(scripted: Harness) -> BigScene:
    """Two hundred agents, a hundred calls."""
    return BigScene(scripted, agents=200, calls=100)


async def live(page: Page) -> None:
    await expect(page.locator("#pulse")).to_have_text("En direct")


async def shown(page: Page) -> Any:
    return await page.evaluate(SHOWN)


async def put_last(harness: Harness, page: Page) -> None:
    """One change more, seen on the page: all before it have been shown then."""
    key, row = next(iter(harness.topics["agents"].items()))
    await harness.put("agents", key, {**row, "name": "Zoé Zuletzt"})
    await expect(page.locator(f"#agent-{key} [data-field=name]")).to_have_text("Zoé Zuletzt")


@pytest.mark.parametrize("path", ["/board", "/board?group=talking"])
async def test_after_any_changes_it_is_as_if_opened_anew(
    open_page: OpenPage, harness: Harness, scene: BigScene, path: str
) -> None:
    page = await open_page(path)
    await live(page)
    await page.evaluate("window.marker = 1")
    for number in range(120):
        await scene._change(number)
    chosen = random.Random(7)
    for key in chosen.sample(list(harness.topics["agents"]), 6):
        await harness.put("agents", key, None)
    for key in chosen.sample(list(harness.topics["agents"]), 6):
        row = harness.topics["agents"][key]
        await harness.put("agents", key, {**row, "state": "offline"})
        await harness.put("agents", key, {**row, "state": "available", "name": f"Aa {row['name']}"})
    for key in chosen.sample(list(harness.topics["calls"]), 6):
        await harness.put("calls", key, {**harness.topics["calls"][key], "state": "ended"})
    await put_last(harness, page)
    streamed = await shown(page)
    assert await page.evaluate("window.marker") == 1
    fresh = await open_page(path)
    await live(fresh)
    assert streamed == await shown(fresh)
    assert len(streamed["calls"]) == 94


async def test_a_row_that_moves_keeps_its_element(
    open_page: OpenPage, harness: Harness, scene: BigScene
) -> None:
    page = await open_page("/board")
    await live(page)
    key, row = next((k, r) for k, r in harness.topics["agents"].items() if r["state"] != "offline")
    await page.evaluate("(id) => { document.getElementById(id).marker = 7; }", f"agent-{key}")
    await harness.put("agents", key, {**row, "state": "offline"})
    await expect(page.locator(f"#agent-{key} .pill")).to_have_text("Déconnecté")
    assert await page.evaluate("(id) => document.getElementById(id).marker", f"agent-{key}") == 7
    offline = await page.eval_on_selector_all("#agents > li", "rows => rows.map(row => row.dataset.tone)")
    assert "offline" not in offline[: offline.index("offline")]
    assert set(offline[offline.index("offline") :]) == {"offline"}


async def test_what_is_out_of_sight_is_there_for_search_and_for_screen_readers(
    open_page: OpenPage, harness: Harness, scene: BigScene
) -> None:
    page = await open_page("/board")
    await live(page)
    last = page.locator("#calls > tr").last
    number = await last.locator("[data-field=number]").text_content()
    assert await page.evaluate("(text) => window.find(text)", number), "find in page reaches the last row"
    table = page.get_by_role("table", name="Appels en cours")
    await expect(table.get_by_role("row")).to_have_count(101)
    await expect(table.get_by_role("columnheader")).to_have_count(2)
    await expect(table.get_by_role("row").nth(5).get_by_role("cell")).to_have_count(2)
    await assert_accessible(page)


async def test_timers_are_right_at_once_and_everywhere(
    open_page: OpenPage, harness: Harness, scene: BigScene
) -> None:
    page = await open_page("/board")
    await live(page)
    key, row = list(harness.topics["agents"].items())[-1]
    await harness.put("agents", key, {**row, "state": "paused", "since": time.time() - 7265})
    timer = page.locator(f"#agent-{key} .timer")
    await expect(timer).to_have_text(re.compile(r"^2:0[1-9]:\d\d$"))
    empty = "timers => timers.filter(timer => timer.dataset.since && !timer.textContent).length"
    assert await page.eval_on_selector_all(".timer", empty) == 0


async def test_nothing_moves_by_itself(open_page: OpenPage, harness: Harness, scene: BigScene) -> None:
    """An animation without end has the whole page drawn sixty times a second."""
    page = await open_page("/board")
    await page.emulate_media(reduced_motion="no-preference")
    await live(page)
    await expect(page.locator("#calls .pill[data-tone=ringing]").first).to_be_attached()
    endless = "document.getAnimations().filter(a => a.effect.getTiming().iterations === Infinity).length"
    assert await page.evaluate(endless) == 0
