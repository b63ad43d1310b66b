"""The live client: pages follow the stream, heal gaps, say when they are blind, and never pretend."""

import re
import time

from playwright.async_api import expect

from tests.browser import scenes
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import Harness
from tests.browser.witness import live, pulsed
from tests.rig.wait import until

TIMER = re.compile(r"^\d+:\d\d$")


def tile(index: int) -> str:
    return f"#agent-{scenes.uid(scenes.NAMES[index])}"


async def test_rows_change_without_reload(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    await page.evaluate("window.marker = 1")
    now = time.time()
    row = scenes.agent(1, now, state="paused", reason="lunch", since=now)
    await harness.put("agents", row["id"], row)
    await expect(page.locator(f"{tile(1)} .pill")).to_have_text("Repas")
    await expect(page.locator('[data-group="paused"] .value')).to_have_text("4")
    await harness.put("calls", scenes.uid("c0"), None)
    await expect(page.locator(f"#call-{scenes.uid('c0')}")).to_have_count(0)
    await expect(page.locator('[data-group="calls"] .value')).to_have_text("5")
    assert await page.evaluate("window.marker") == 1


async def test_a_changed_row_keeps_its_element(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    await page.evaluate("(s) => { document.querySelector(s).marker = 7; }", tile(2))
    row = scenes.agent(2, time.time(), state="available")
    await harness.put("agents", row["id"], row)
    await expect(page.locator(f"{tile(2)} .pill")).to_have_text("Disponible")
    assert await page.evaluate("(s) => document.querySelector(s).marker", tile(2)) == 7


async def test_a_gap_is_healed(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    subscriptions = len(harness.subscriptions)
    lost = scenes.agent(1, time.time(), state="wrap_up")
    await harness.put("agents", lost["id"], lost, lose=True)
    seen = scenes.agent(3, time.time(), state="available", reason="")
    await harness.put("agents", seen["id"], seen)
    await expect(page.locator(f"{tile(1)} .pill")).to_have_text("Post-appel")
    await expect(page.locator(f"{tile(3)} .pill")).to_have_text("Disponible")
    assert len(harness.subscriptions) == subscriptions + 1
    asked = harness.subscriptions[-1]
    assert (asked["epoch"], asked["seq"]) == ("e1", 0)


async def test_a_heartbeat_tells_of_a_gap(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    lost = scenes.agent(1, time.time(), state="wrap_up")
    await harness.put("agents", lost["id"], lost, lose=True)
    await harness.send({"type": "heartbeat", "seq": harness.seq})
    await expect(page.locator(f"{tile(1)} .pill")).to_have_text("Post-appel")


async def test_blind_changes_the_board_and_sight_restores_it(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    await expect(page.locator("#blind")).to_be_hidden()
    since = time.time() - 1
    await harness.go_blind(since)
    clock = await page.evaluate("(s) => new Date(s * 1000).toLocaleTimeString('fr-FR')", since)
    await expect(page.locator("#blind")).to_contain_text(f"Aveugle depuis {clock}")
    await expect(page.locator(f"{tile(0)} .seen")).to_have_text(f"vu à {clock}")
    await expect(page.locator(f"{tile(0)} .timer")).to_be_hidden()
    await assert_accessible(page)
    await expect(page.locator("#agents")).to_have_css("filter", re.compile("grayscale"))
    await harness.go_blind(None)
    await expect(page.locator("#blind")).to_be_hidden()
    await expect(page.locator(f"{tile(0)} .timer")).to_be_visible()


async def test_a_page_opened_while_blind_says_so(open_page: OpenPage, harness: Harness) -> None:
    harness.blind_since = time.time() - 60
    page = await open_page("/board")
    await expect(page.locator("#blind")).to_contain_text("Aveugle depuis")


async def test_a_lost_socket_comes_back_by_itself(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    harness.accepting = False
    await harness.cut()
    await pulsed(page, "Reconnexion")
    await expect(page.locator("#blind")).to_contain_text("perdu le contact")
    row = scenes.agent(1, time.time(), state="wrap_up")
    await harness.put("agents", row["id"], row)
    harness.accepting = True
    await live(page)
    await expect(page.locator("#blind")).to_be_hidden()
    await expect(page.locator(f"{tile(1)} .pill")).to_have_text("Post-appel")
    assert harness.subscriptions[-1]["epoch"] == "e1"


async def test_a_silent_socket_is_taken_for_dead(open_page: OpenPage, harness: Harness) -> None:
    harness.heartbeat = 0.5
    page = await open_page("/board")
    await live(page)
    # Nothing is sent any more and nothing is closed: as a cable pulled out.
    await pulsed(page, "Reconnexion")
    harness.heartbeat = 300.0
    await until(lambda: len(harness.subscriptions) > 1, "the page has asked anew")
    await live(page)


async def test_bye_sends_to_the_login_and_says_why(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board?wall=1")
    await expect(page.locator("#pulse")).to_have_attribute("data-tone", "good")
    await harness.bye("session_replaced")
    await page.wait_for_url("**/login?*")
    await expect(page.locator("#reason")).to_contain_text("depuis une autre page")
    assert "next=%2Fboard%3Fwall%3D1" in page.url


async def test_timers_follow_the_server_not_this_machine(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/login")
    # This machine is an hour late.
    await page.add_init_script("{ const real = Date.now; Date.now = () => real() - 3600_000; }")
    now = time.time()
    row = scenes.agent(0, now, since=now - 65)
    harness.topics["agents"] = {row["id"]: row}
    await page.goto(f"{harness.url}/board")
    await live(page)
    await expect(page.locator(f"{tile(0)} .timer")).to_have_text(TIMER)
    shown = await page.locator(f"{tile(0)} .timer").inner_text()
    minutes, seconds = shown.split(":")
    assert 64 <= int(minutes) * 60 + int(seconds) <= time.time() - row["since"] + 1


async def test_timers_run(open_page: OpenPage) -> None:
    page = await open_page("/board")
    await live(page)
    await expect(page.locator(f"{tile(0)} .timer")).to_have_text(TIMER)
    before = await page.locator(f"{tile(0)} .timer").inner_text()
    await expect(page.locator(f"{tile(0)} .timer")).not_to_have_text(before)


async def test_filters_by_state_and_site(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    await page.locator('button[data-group="paused"]').click()
    await expect(page.locator("#agents > li")).to_have_count(3)
    await expect(page.locator('button[data-group="paused"]')).to_have_attribute("aria-pressed", "true")
    await page.select_option("#site-filter", label="Lyon")
    lyon = [r for r in harness.topics["agents"].values() if r["site"] == "Lyon" and r["state"] == "paused"]
    await expect(page.locator("#agents > li")).to_have_count(len(lyon))
    await page.reload()
    await expect(page.locator("#agents > li")).to_have_count(len(lyon))
    await page.locator("#clear-filter").click()
    await expect(page.locator("#agents > li")).to_have_count(16)


async def test_names_are_text_never_markup(open_page: OpenPage, harness: Harness) -> None:
    row = scenes.agent(0, time.time(), name='<img src=x onerror="document.title=1">')
    harness.topics["agents"] = {row["id"]: row}
    page = await open_page("/board")
    await live(page)
    await expect(page.locator(f"{tile(0)} .agent-name")).to_have_text(row["name"])
    await expect(page.locator(".agent-name img")).to_have_count(0)


async def test_links_tell_what_is_down(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    await live(page)
    row = harness.topics["links"]["trunk:lyon"] | {"up": False, "since": time.time(), "detail": "OPTIONS 408"}
    await harness.put("links", "trunk:lyon", row)
    await expect(page.locator("#links")).to_contain_text("lyon : coupé depuis")


async def test_the_end_of_this_session_is_heard_by_its_topic_too(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await open_page("/board")
    await live(page)
    notice = {
        "kind": "session_ended",
        "user_id": harness.me["id"],
        "reason": "deactivated",
        "at": time.time(),
    }
    await harness.put("me", "other", notice | {"session_id": scenes.uid("another session")})
    await harness.put("links", "ami", harness.topics["links"]["ami"] | {"up": False})
    await expect(page.locator("#links")).to_contain_text("coupé depuis")
    await harness.put("me", "mine", notice | {"session_id": harness.me["session_id"]})
    await page.wait_for_url("**/login?reason=deactivated*")
    await expect(page.locator("#reason")).to_have_text("Ce compte a été désactivé.")
