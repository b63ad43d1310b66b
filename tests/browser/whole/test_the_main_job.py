"""The product's reason: a click, two phones ring, the board moves, the history keeps it. Nothing is faked."""

import re

import pytest
from ccserver.stack.gateway import GatewayProcess
from playwright.async_api import Page, expect

from tests.browser.axe import assert_accessible
from tests.browser.conftest import ARTIFACTS
from tests.browser.whole.conftest import Visit
from tests.browser.witness import live
from tests.rig.asterisk import PARIS_DID
from tests.rig.fixtures import SippFactory
from tests.rig.installation import CHIEF, Installation, Node
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

RECOVERY_MS = 150_000
ANSWERS, BUSY, NO_ANSWER = (f"01 45 00 00 0{digit}" for digit in (1, 7, 8))


async def at_board(visit: Visit, node: Node) -> Page:
    """The supervisor's page, marked so that a reload would show."""
    page = await visit(node, CHIEF)
    await page.wait_for_url("**/board")
    await live(page)
    await page.evaluate("window.never_reloaded = true")
    return page


async def dial(page: Page, number: str) -> None:
    await page.locator("#number").fill(number)
    await page.locator("#number").press("Enter")


async def test_first_login_then_a_call_from_click_to_history(
    installation: Installation, sipp: SippFactory, visit: Visit
) -> None:
    node = await installation.node()
    chief = await node.login(CHIEF)
    _, made = await chief.send("POST", f"/api/users/{installation.ids['1001']}/reset-password")
    board = await at_board(visit, node)
    await sipp("phone_answers", extension="1001")

    # The temporary password opens nothing but its own change.
    desk = await visit(node, "agent1001", made["password"])
    await desk.wait_for_url("**/password")
    await desk.goto(f"{node.base}/desk")
    await desk.wait_for_url("**/password")
    await desk.locator("#current_password").fill(made["password"])
    await desk.locator("#new_password").fill("Un-ruisseau-vif-42")
    await desk.locator("#repeat_password").fill("Un-ruisseau-vif-42")
    await desk.locator("#repeat_password").press("Enter")
    await desk.wait_for_url("**/desk")
    await live(desk)

    tile = board.locator(f"#agent-{installation.ids['1001']}")
    await expect(tile.locator(".pill")).to_have_text("Disponible")
    await expect(desk.locator("#my-state .pill")).to_have_text("Disponible")
    await expect(desk.locator("#my-phone")).to_contain_text("Téléphone connecté · poste 1001")

    await dial(desk, ANSWERS)
    await expect(desk.locator("#current .now-number")).to_have_text("01 45 00 00 01")
    await expect(desk.locator("#current .pill")).to_have_text("En ligne")
    await expect(tile.locator(".pill")).to_have_text("En ligne")
    row = board.locator("#calls > tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("01 45 00 00 01")
    await expect(row.locator(".timer")).to_have_text(re.compile(r"^\d+:(?!00|01)\d\d$"))
    await board.screenshot(path=ARTIFACTS / "whole-board.png")
    await desk.screenshot(path=ARTIFACTS / "whole-desk.png")

    # The page goes, the call stays.
    await desk.reload()
    # An end before it listens would be told to nobody: it would show no call, and not what became of it.
    await live(desk)
    await expect(desk.locator("#current .pill")).to_have_text("En ligne")
    await desk.get_by_role("button", name="Raccrocher").click()
    await expect(desk.locator("#current .pill")).to_have_text("Décroché")
    await expect(desk.locator(".now-hint")).to_contain_text("Durée de conversation")
    await expect(desk.locator("#recent > tr")).to_have_count(1)
    await expect(row).to_have_count(0)
    await expect(tile.locator(".pill")).to_have_text("Disponible")
    assert await board.evaluate("window.never_reloaded")

    # What ends is told at once, and kept a moment later: a page opened in between would not have it.
    async def kept() -> bool:
        return [call for call in (await chief.get("/api/calls"))["items"] if call["ended_at"]] != []

    await until(kept, "the call is in the history")
    await board.goto(f"{node.base}/calls")
    await expect(board.locator("#calls > tr")).to_have_count(1)
    await board.locator("#calls .pick-button").click()
    await expect(board.locator("#journey .leg")).to_have_count(2)
    await expect(board.locator("#journey")).to_contain_text("L’agent")
    await board.screenshot(path=ARTIFACTS / "whole-journey.png")
    await assert_accessible(board)


async def test_how_calls_fail_is_said_in_words(
    installation: Installation, sipp: SippFactory, visit: Visit
) -> None:
    node = await installation.node()
    desk = await visit(node, "agent1001")
    await expect(desk.locator("#my-phone")).to_have_attribute("data-tone", "bad")
    await dial(desk, ANSWERS)
    await expect(desk.locator("#number-error")).to_contain_text("téléphone")
    await sipp("phone_answers", extension="1001")
    await expect(desk.locator("#my-phone")).to_contain_text("Téléphone connecté")
    await expect(desk.locator("#my-state .pill")).to_have_text("Disponible")
    await dial(desk, "01 23")
    await expect(desk.locator("#number")).to_have_attribute("aria-invalid", "true")
    await dial(desk, BUSY)
    await expect(desk.locator("#current .pill")).to_have_text("Occupé")
    await expect(desk.locator(".now-hint")).to_contain_text("La ligne appelée était occupée.")
    await expect(desk.locator(".now-hint")).to_contain_text("ligne occupée (cause 17)")
    await expect(desk.locator("#my-state .pill")).to_have_text("Disponible")
    await dial(desk, NO_ANSWER)
    await expect(desk.locator("#current .pill")).to_have_text("Sonnerie")
    await desk.get_by_role("button", name="Raccrocher").click()
    await expect(desk.locator("#current .pill")).to_have_text("Annulé")
    await expect(desk.locator("#recent > tr")).to_have_count(2)


async def test_inbound_missed_and_pauses(
    installation: Installation, gateway_paris: GatewayProcess, sipp: SippFactory, visit: Visit
) -> None:
    node = await installation.node()
    board = await at_board(visit, node)
    desk = await visit(node, "agent1001")
    await sipp("phone_never_answers", extension="1001")
    await expect(desk.locator("#my-phone")).to_contain_text("Téléphone connecté")
    await expect(desk.locator("#my-state .pill")).to_have_text("Disponible")
    await gateway_paris.call("+33612345678", PARIS_DID)
    await expect(desk.locator(".now-hint")).to_contain_text("Appel entrant")
    await expect(board.locator("#calls > tr")).to_contain_text("06 12 34 56 78")
    # The caller gives up only now, when both have seen that it rings.
    await gateway_paris.rx("channel request hangup all")
    await expect(desk.locator("#current .pill")).to_have_text("Manqué")
    await expect(desk.locator("#my-state .pill")).to_have_text("Disponible")
    await desk.get_by_role("button", name="Formation").click()
    await expect(desk.locator("#my-state .pill")).to_have_text("En pause · Formation")
    tile = board.locator(f"#agent-{installation.ids['1001']}")
    await expect(tile.locator(".pill")).to_have_text("Formation")


async def test_blind_is_said_and_sight_comes_back(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    board = await at_board(visit, node)
    installation.central.process.suspend()
    try:
        await expect(board.locator("#blind")).to_contain_text("Aveugle depuis")
        await expect(board.locator("#agents .seen").first).to_contain_text("vu à")
        await board.screenshot(path=ARTIFACTS / "whole-blind.png")
        await assert_accessible(board)
    finally:
        installation.central.process.resume()
    await expect(board.locator("#blind")).to_be_hidden(timeout=RECOVERY_MS)
    await live(board)


async def test_the_server_restarts_and_pages_come_back(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    board = await at_board(visit, node)
    await node.kill9()
    await expect(board.locator("#blind")).to_contain_text("perdu le contact")
    await node.start()
    await expect(board.locator("#blind")).to_be_hidden(timeout=RECOVERY_MS)
    await live(board)
    assert await board.evaluate("window.never_reloaded")


async def test_last_login_wins_and_the_other_page_is_told(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    first = await visit(node, "agent1002")
    await live(first)
    second = await visit(node, "agent1002")
    await first.wait_for_url("**/login?reason=session_replaced*")
    await expect(first.locator("#reason")).to_contain_text("depuis une autre page")
    await live(second)


async def test_users_made_here_are_seen_there(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    here = await visit(node, CHIEF)
    there = await visit(node, CHIEF)
    for page in (here, there):
        await page.goto(f"{node.base}/users")
        await live(page)
        await expect(page.locator("#users > tr")).to_have_count(5)
    await here.get_by_role("button", name="Nouvel utilisateur").click()
    await here.locator("#first_name").fill("Awa")
    await here.locator("#last_name").fill("Diallo")
    await here.locator("#user-login").fill("awa")
    await here.locator("#extension").fill("1001")
    await here.locator("#site_id").select_option(label="Paris")
    await here.locator("#user-form button[type=submit]").click()
    await expect(here.locator("#extension-error")).to_contain_text("pris")
    await here.locator("#extension").fill("2345")
    await here.locator("#user-form button[type=submit]").click()
    await expect(here.locator("#secret-dialog code[data-field=sip_secret]")).not_to_be_empty()
    password = await here.locator("#secret-dialog code[data-field=password]").inner_text()
    await expect(there.locator("#users > tr")).to_have_count(6)
    await expect(there.locator("#users")).to_contain_text("Awa Diallo")
    awa = await visit(node, "awa", password)
    await awa.wait_for_url("**/password")


async def test_sites_and_system(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    page = await visit(node, CHIEF)
    await page.goto(f"{node.base}/sites")
    await expect(page.locator("#sites > tr")).to_have_count(2)
    await page.locator("#new-site").click()
    await page.locator("#site-name").fill("Saint-Denis")
    await page.select_option("#site-country", "RE")
    await page.locator("#site-caller").fill("0262")
    await page.locator("#site-form button[type=submit]").click()
    await expect(page.locator("#site-caller-error")).not_to_be_empty()
    await page.locator("#site-caller").fill("0262 12 34 56")
    await page.locator("#site-form button[type=submit]").click()
    await page.wait_for_url("**/sites/saint-denis")
    await expect(page.locator("#trunks-none")).to_be_visible()
    await page.goto(f"{node.base}/system")
    await expect(page.locator("#links")).to_contain_text("Téléphonie (AMI)")
    await expect(page.locator("#links")).to_contain_text("En service")


async def test_the_language_is_the_users_own(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    page = await at_board(visit, node)
    await page.locator(".who").click()
    async with page.expect_navigation():
        await page.locator("label:has(input[name=locale][value=en])").click()
    await expect(page.locator("h1")).to_have_text("Board")
    other = await visit(node, CHIEF)
    await expect(other.locator("h1")).to_have_text("Board")


async def test_an_agent_sees_only_the_agents_pages(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    page = await visit(node, "agent1001")
    await page.wait_for_url("**/desk")
    await expect(page.locator(".nav a")).to_have_count(2)
    answer = await page.goto(f"{node.base}/board")
    assert answer is not None
    assert answer.status == 403
    await expect(page.locator("h1")).to_have_text("Non autorisé")


async def test_a_short_cookie_that_ended_is_renewed_without_a_word(
    installation: Installation, visit: Visit
) -> None:
    node = await installation.node()
    page = await visit(node, CHIEF)
    await page.wait_for_url("**/board")
    refreshes: list[str] = []
    page.on("request", lambda r: refreshes.append(r.url) if r.url.endswith("/api/auth/refresh") else None)

    async def let_it_end() -> None:
        await page.evaluate("localStorage.setItem('ccs.refreshed', '0')")
        await page.context.clear_cookies(name="ccs_access")

    # Opening a page: by way of the login, which needs no form.
    await let_it_end()
    await page.goto(f"{node.base}/users")
    await page.wait_for_url("**/users")
    await expect(page.locator("#users > tr")).to_have_count(5)
    # Asking the API.
    await let_it_end()
    await page.locator("#text").fill("agent1001")
    await expect(page.locator("#users > tr")).to_have_count(1)
    assert len(refreshes) == 2


async def test_two_pages_never_use_the_refresh_token_twice(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    first = await visit(node, CHIEF)
    second = await first.context.new_page()
    for page in (first, second):
        await page.goto(f"{node.base}/users")
        await expect(page.locator("#users > tr")).to_have_count(5)
    await first.evaluate("localStorage.setItem('ccs.refreshed', '0')")
    await first.context.clear_cookies(name="ccs_access")
    for page in (first, second):
        await page.locator("#text").fill("agent1001")
    for page in (first, second):
        await expect(page.locator("#users > tr")).to_have_count(1)
    await first.reload()
    await expect(first.locator("#users > tr")).to_have_count(5)
