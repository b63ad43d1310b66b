"""The agent's desk: state, number box, the call from ringing to its outcome in words."""

import asyncio
import re
import time

import pytest
from playwright.async_api import Page, expect

from tests.browser import scenes
from tests.browser.conftest import OpenPage
from tests.browser.harness import AGENT, Harness
from tests.browser.witness import quiet, ready

ME = scenes.uid(scenes.NAMES[0])


@pytest.fixture(autouse=True)
def an_agent_at_rest(harness: Harness) -> None:
    harness.me |= {"role": "AGENT", "abilities": AGENT}
    row = scenes.agent(0, time.time(), state="available", site="Paris", site_id=scenes.PARIS)
    harness.topics["agents"] = {ME: row}
    harness.topics["calls"] = {}
    harness.topics["history"] = {}


async def at_desk(open_page: OpenPage) -> Page:
    page = await open_page("/desk")
    await ready(page)
    return page


async def test_state_and_phone_are_told(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page)
    await expect(page.locator("#my-state .pill")).to_have_text("Disponible")
    await expect(page.locator("#my-phone")).to_have_text("Téléphone connecté · poste 201")
    row = harness.topics["agents"][ME] | {"phone": "unregistered"}
    await harness.put("agents", ME, row)
    await expect(page.locator("#my-phone")).to_have_text("Téléphone non connecté · poste 201")


async def test_a_pause_is_asked_and_shown_when_it_is_true(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page)
    await page.get_by_role("button", name="Repas").click()
    assert await harness.asked("POST", f"/api/agents/{ME}/state") == [{"state": "paused", "reason": "lunch"}]
    await quiet(page)
    await expect(page.locator("#my-state .pill")).to_have_text("Disponible")
    row = harness.topics["agents"][ME] | {"state": "paused", "reason": "lunch", "since": time.time()}
    await harness.put("agents", ME, row)
    await expect(page.locator("#my-state .pill")).to_have_text("En pause · Repas")
    await expect(page.get_by_role("button", name="Repas")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(
    ("typed", "shown", "sent"),
    [
        ("0612345678", "+33 6 12 34 56 78", "+33612345678"),
        ("06.12.34.56.78", "+33 6 12 34 56 78", "+33612345678"),
        ("00 44 20 7946 0958", "+44 20 79 46 09 58", "+442079460958"),
        ("+262 692 12 34 56", "+262 692 12 34 56", "+262692123456"),
        ("118218", "118218", "118218"),
    ],
)
async def test_number_box_says_how_it_understands(
    open_page: OpenPage, harness: Harness, typed: str, shown: str, sent: str
) -> None:
    page = await at_desk(open_page)
    await page.locator("#number").fill(typed)
    await expect(page.locator("#number-note")).to_have_text(shown)
    await page.locator("#number").press("Enter")
    await expect(page.locator("#number")).to_have_value("")
    assert await harness.asked("POST", "/api/calls") == [{"number": sent}]


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "Saisissez le numéro à appeler."),
        ("bonjour", "Un numéro ne contient que des chiffres, avec un + au début si besoin."),
        ("1", "Ce numéro est trop court."),
        ("06123456781234567", "Ce numéro est trop long."),
    ],
)
async def test_bad_numbers_are_refused_in_place(
    open_page: OpenPage, harness: Harness, typed: str, reason: str
) -> None:
    page = await at_desk(open_page)
    await page.locator("#number").fill(typed)
    await page.locator("#number").press("Enter")
    await expect(page.locator("#number-error")).to_have_text(reason)
    await expect(page.locator("#number")).to_be_focused()
    await expect(page.locator("#number")).to_have_attribute("aria-invalid", "true")
    assert not [r for r in harness.requests if r[0] == "POST"]
    await page.locator("#number").press("End")
    await page.locator("#number").type("2")
    await expect(page.locator("#number-error")).to_have_text("")


async def test_the_server_refusal_is_said_below_the_number(open_page: OpenPage, harness: Harness) -> None:
    detail = "Le téléphone de l’agent est injoignable."
    harness.answers[("POST", "/api/calls")] = (
        409,
        {"status": 409, "code": "phone_unreachable", "detail": detail},
    )
    page = await at_desk(open_page)
    await page.locator("#number").fill("0612345678")
    await page.get_by_role("button", name="Appeler", exact=True).click()
    await expect(page.locator("#number-error")).to_have_text(detail)
    await expect(page.locator("#number")).to_have_value("0612345678")


async def test_a_call_from_ringing_to_its_end(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page)
    now = time.time()
    row = scenes.call(
        "mine", now, agent_id=ME, state="ringing_agent", started_at=now, ringing_at=None, answered_at=None
    )
    key = row["id"]
    await expect(page.locator("#idle")).to_be_visible()
    await harness.put("calls", key, row)
    await expect(page.locator("#current .pill")).to_have_text("Sonne chez l’agent")
    await expect(page.locator(".now-hint")).to_contain_text("décrochez")
    await harness.put("calls", key, row | {"state": "ringing", "ringing_at": now})
    await expect(page.locator(".now-hint")).to_have_text("Ça sonne chez votre correspondant.")
    await harness.put("calls", key, row | {"state": "talking", "answered_at": now - 3662})
    await expect(page.locator("#current .timer")).to_have_text(re.compile(r"^1:\d\d:\d\d$"))
    await page.get_by_role("button", name="Raccrocher").click()
    await expect(page.locator("#hangup")).to_be_disabled()
    assert await harness.asked("POST", f"/api/calls/{key}/hangup") == [{}]
    over = scenes.ended("mine", now, agent_id=ME, talk_seconds=62.4)
    await harness.put("history", key, over)
    await harness.put("calls", key, None)
    await expect(page.locator("#current .pill")).to_have_text("Décroché")
    await expect(page.locator(".now-hint")).to_contain_text("Durée de conversation : 1:02.")
    await expect(page.locator(f"#recent-{key}")).to_be_visible()
    await page.get_by_role("button", name="Fermer").click()
    await expect(page.locator("#idle")).to_be_visible()


async def test_a_call_that_was_written_just_after_the_page_read_is_among_the_last(
    open_page: OpenPage, harness: Harness
) -> None:
    now = time.time()
    over = scenes.ended("late", now, agent_id=ME)
    # Read as the page opens and as its stream begins, when it was still in progress there; then once more.
    before = {"items": [scenes.call("late", now, agent_id=ME)], "next": None}
    harness.turns[("GET", "/api/calls")] = [before, before, {"items": [over], "next": None}]
    page = await at_desk(open_page)
    await expect(page.locator(f"#recent-{over['id']}")).to_be_visible()


SENTENCES = {
    "no_answer": "personne n’a décroché",
    "busy": "occupée",
    "cancelled": "annulé",
    "missed": "L’appelant a raccroché",
    "agent_no_answer": "sans être décroché",
    "agent_unreachable": "n’est pas connecté",
    "agent_busy": "déjà occupé",
    "trunk_down": "trunk du site est coupé",
    "rejected": "refusé l’appel",
    "invalid_number": "inconnu du réseau",
    "failed": "raison technique",
    "interrupted": "incident",
}


async def test_every_outcome_has_its_own_words(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page)
    seen = set()
    for outcome, words in SENTENCES.items():
        now = time.time()
        row = scenes.call(outcome, now, agent_id=ME, state="ringing", answered_at=None)
        await harness.put("calls", row["id"], row)
        await expect(page.locator("#hangup")).to_be_visible()
        over = scenes.ended(outcome, now, outcome, agent_id=ME, cause=19)
        await harness.put("history", row["id"], over)
        await harness.put("calls", row["id"], None)
        await expect(page.locator(".now-hint")).to_contain_text(words)
        await expect(page.locator(".now-hint")).to_contain_text("Réseau : a sonné sans réponse (cause 19).")
        seen.add(await page.locator("#current .pill").inner_text())
    assert len(seen) == len(SENTENCES)


async def test_a_call_lives_on_after_a_reload(open_page: OpenPage, harness: Harness) -> None:
    row = scenes.call("mine", time.time(), agent_id=ME)
    harness.topics["calls"] = {row["id"]: row}
    page = await at_desk(open_page)
    await page.reload()
    await expect(page.locator("#current .now-number")).to_have_text("06 12 34 56 78")
    await expect(page.locator("#hangup")).to_be_enabled()


async def test_the_next_number_is_typed_while_the_server_thinks(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await at_desk(open_page)
    harness.answers[("POST", "/api/calls")] = (202, {"id": scenes.uid("mine")})
    for typed, left in (("0698765432", "0698765432"), ("", "")):
        gate = harness.gates[("POST", "/api/calls")] = asyncio.Event()
        await page.locator("#number").fill("0612345678")
        async with page.expect_response("**/api/calls") as answered:
            await page.locator("#number").press("Enter")
            if typed:
                await page.locator("#number").fill(typed)
            gate.set()
        await (await answered.value).finished()
        await ready(page)
        await expect(page.locator("#number")).to_have_value(left)


async def test_another_agents_call_is_not_mine(open_page: OpenPage, harness: Harness) -> None:
    page = await at_desk(open_page)
    row = scenes.call("other", time.time(), agent_id=scenes.uid(scenes.NAMES[4]))
    await harness.put("calls", row["id"], row)
    await harness.put("agents", ME, harness.topics["agents"][ME] | {"state": "wrap_up"})
    await expect(page.locator("#my-state .pill")).to_have_text("Post-appel")
    await expect(page.locator("#idle")).to_be_visible()


async def test_a_ringing_call_is_in_the_title_and_focus_is_never_lost(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await at_desk(open_page)
    title = await page.title()
    now = time.time()
    row = scenes.call("in", now, agent_id=ME, direction="inbound", state="ringing", answered_at=None)
    await harness.put("calls", row["id"], row)
    await expect(page).to_have_title("Sonnerie · 06\u00a012\u00a034\u00a056\u00a078")
    await harness.put("calls", row["id"], row | {"state": "talking", "answered_at": now})
    await expect(page).to_have_title(title)
    await page.locator("#hangup").focus()
    await harness.put("history", row["id"], scenes.ended("in", now, agent_id=ME))
    await harness.put("calls", row["id"], None)
    await expect(page.locator("#dismiss")).to_be_focused()
