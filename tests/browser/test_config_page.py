"""Asterisk's configuration: what waits, applying it with everybody watching, what was applied, and the way back."""

import re
import time
from typing import Any

import msgspec
from ccserver.domain.config import ConfigState
from ccserver.domain.config_words import ENGLISH, cause, say, worded_state
from playwright.async_api import Page, expect

from tests.browser import scenes, scenes_pbx
from tests.browser.axe import assert_accessible
from tests.browser.conftest import OpenPage
from tests.browser.harness import AGENT, Harness
from tests.browser.witness import toasted

Row = dict[str, Any]


def problem(status: int, code: str, detail: str) -> tuple[int, Row]:
    return status, {"status": status, "code": code, "detail": detail, "errors": []}


async def tell(harness: Harness, **changes: Any) -> None:
    """The state changes, and every page hears it."""
    await harness.put("config", "state", scenes_pbx.state(time.time(), **changes))


def sent(harness: Harness, path: str) -> list[Any]:
    return [body for method, asked, body in harness.requests if (method, asked) == ("POST", path)]


async def test_what_waits_is_told_by_thing_and_by_file(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    await expect(page.locator("#status-title")).to_have_text("3 modifications non appliquées")
    changes = page.locator("#changes > li")
    await expect(changes).to_have_count(3)
    await expect(changes.nth(0)).to_contain_text("Site paris")
    await expect(changes.nth(0)).to_contain_text("réseaux")
    await expect(changes.nth(1)).to_contain_text("Supprimé")
    await expect(changes.nth(2)).to_contain_text("Téléphone 1004")
    file = page.locator("#files details").first
    await expect(file.locator(".diff > *")).to_have_count(0)
    await file.locator("summary").focus()
    await page.keyboard.press("Enter")
    added = file.locator("ins")
    await expect(added.first).to_have_text("+permit=10.9.0.0/16")
    await expect(file.locator("del")).to_have_text("-password=••••••")
    await assert_accessible(page)


async def test_nothing_of_a_diff_is_markup(open_page: OpenPage, harness: Harness) -> None:
    evil = "--- a (now)\n+++ a (then)\n@@ -1 +1 @@\n+<img src=x onerror=alert(1)>"
    harness.answers[("GET", "/api/config/diff")] = (
        200,
        {"fingerprint": "f", "changes": [], "files": [{"name": "a.conf", "diff": evil, "edited": True}]},
    )
    page = await open_page("/config")
    await page.locator("#files summary").click()
    await expect(page.locator("#files ins")).to_have_text("+<img src=x onerror=alert(1)>")
    await expect(page.locator("#files summary")).to_contain_text("modifié à la main")
    await expect(page.locator("#files img")).to_have_count(0)


async def test_applying_sends_what_was_seen_and_both_administrators_watch_it(
    open_page: OpenPage, harness: Harness
) -> None:
    mine, other = await open_page("/config"), await open_page("/config")
    await expect(mine.locator("#changes > li")).to_have_count(3)
    await mine.get_by_role("button", name="Appliquer").click()
    assert await harness.asked("POST", "/api/config/apply") == [{"fingerprint": "f3"}]
    now = time.time()
    for at, words in (("rehearse", "Essai à blanc"), ("reload", "Rechargement")):
        await tell(harness, run=scenes_pbx.run(now, at))
        for page in (mine, other):
            await expect(page.locator("#run")).to_contain_text(scenes.NAMES[0])
            await expect(page.locator("#run-steps [aria-current=step]")).to_contain_text(words)
            await expect(page.locator("#status")).to_contain_text("Application en cours")
            await expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()
    harness.answers[("GET", "/api/config/diff")] = (200, {"fingerprint": "f4", "changes": [], "files": []})
    done = {"revision": 42, "at": now, "who": scenes.NAMES[0], "fingerprint": "f3"}
    await tell(harness, run=scenes_pbx.run(now, ""), changes=0, fingerprint="f4", applied=done)
    for page in (mine, other):
        await expect(page.locator("#status-title")).to_have_text("À jour")
        await expect(page.locator("#status")).to_contain_text("révision 42")
        await expect(page.locator("#run-steps [data-state=done]")).to_have_count(7)
        await expect(page.locator("#changes-empty")).to_be_visible()
    await harness.asked("GET", "/api/config/history", times=4)


async def test_the_badge_counts_on_every_page(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board")
    badge = page.locator(".nav li:not(.nav-rest) [data-config-badge]")
    await expect(badge).to_have_text("3(3 modifications non appliquées)")
    await tell(harness, changes=1)
    await expect(badge).to_have_text("1(1 modification non appliquée)")
    await tell(harness, run=scenes_pbx.run(time.time(), "install"))
    await expect(badge).to_contain_text("application en cours")
    await tell(harness, changes=0)
    await expect(badge).to_be_hidden()


async def test_an_agent_sees_nothing_of_it(open_page: OpenPage, harness: Harness) -> None:
    harness.me = harness.me | {"role": "AGENT", "abilities": AGENT}
    page = await open_page("/desk")
    await expect(page.locator("#pulse")).to_contain_text("En direct")
    assert await page.locator("[data-config-badge]").count() == 0
    assert "config" not in harness.subscriptions[-1]["topics"]


async def test_a_change_of_somebody_else_meanwhile_is_shown_and_not_applied(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await open_page("/config")
    await expect(page.locator("#changes > li")).to_have_count(3)
    harness.answers[("POST", "/api/config/apply")] = problem(409, "config_changed", "Changé.")
    new = scenes_pbx.diff("f4")
    new["changes"].append({"kind": "did", "name": "+33140000009", "action": "added", "fields": []})
    harness.answers[("GET", "/api/config/diff")] = (200, new)
    await page.get_by_role("button", name="Appliquer").click()
    await expect(page.locator("#answer")).to_contain_text("Quelque chose a changé entre-temps")
    await expect(page.locator("#changes > li")).to_have_count(4)
    await expect(page.locator("#changes > li.fresh")).to_contain_text("+33140000009")
    harness.answers[("POST", "/api/config/apply")] = (202, {"id": "run-2"})
    await page.get_by_role("button", name="Appliquer").click()
    await expect(page.locator("#answer")).to_be_empty()
    bodies = await harness.asked("POST", "/api/config/apply", times=2)
    assert bodies == [{"fingerprint": "f3"}, {"fingerprint": "f4"}]


async def test_somebody_at_it_already_is_named(open_page: OpenPage, harness: Harness) -> None:
    harness.answers[("POST", "/api/config/check")] = problem(409, "config_busy", "Hélène Fabre applique.")
    page = await open_page("/config")
    await page.get_by_role("button", name="Vérifier").click()
    await expect(page.locator("#answer")).to_contain_text("Hélène Fabre applique.")
    await expect(page.get_by_role("button", name="Vérifier")).to_be_enabled()


async def test_a_refusal_is_told_in_asterisks_own_words(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    await tell(harness, run=scenes_pbx.failed_run(time.time()))
    run = page.locator("#run")
    await expect(run).to_contain_text("Refusé")
    await expect(run.locator("[data-state=failed]")).to_contain_text("Essai à blanc")
    await expect(page.locator("#run-words")).to_contain_text("named 'callerrid' at line 131")
    await expect(run).to_contain_text("Rien n’a été touché")
    await assert_accessible(page)


async def test_a_french_page_has_no_sentence_of_ours_in_english(
    open_page: OpenPage, harness: Harness
) -> None:
    """As the owner tells them: sentences by codes, Asterisk's own lines between quotation marks."""
    asterisks = "Could not find option suitable for category '1004' named 'callerrid' at line 131"
    now = time.time()
    run = scenes_pbx.run(now, "verify")
    messages = {
        "plan": say("planned", changes=13, files=25),
        "install": "extensions.conf, pjsip.conf",
        "reload": say("needs_restart", modules=say("nothing_to_reload"), files="asterisk.conf"),
        "verify": "\n".join([say("endpoint_missing", names="1004 (+2)"), say("dialplan_other"), asterisks]),
    }
    for step in run["steps"]:
        step["message"] = messages.get(step["name"], "")
    run["steps"][-1]["state"] = "failed"
    undo_failed = say("undo_failed", why=say("disk_full", folder="/etc/asterisk"))
    run |= {"result": "failed", "ended_at": now, "message": f"{messages['verify']}\n{undo_failed}"}
    left_out = [
        "Trunk lyon is not in Asterisk: trunk host: trunk paris has the same address",
        "Phone 112 is not in Asterisk: phone extension: this is an emergency number",
    ]
    row = scenes_pbx.state(now, run=run, left_out=left_out)
    told = worded_state(msgspec.convert(row, ConfigState))
    page = await open_page("/config")
    await harness.put("config", "state", msgspec.to_builtins(told))
    notes = page.locator("#notes")
    await expect(notes).to_contain_text(
        "Le trunk lyon n’est pas dans Asterisk\u00a0: adresse du trunk\u00a0: le trunk paris a la même adresse"
    )
    await expect(notes).to_contain_text("numéro interne\u00a0: c’est un numéro d’urgence")
    steps = page.locator("#run-steps")
    await expect(steps).to_contain_text("extensions.conf, pjsip.conf")
    await expect(steps).to_contain_text(
        "rien à recharger\u202f; demandent un redémarrage\u00a0: asterisk.conf"
    )
    words = page.locator("#run-words")
    await expect(words).to_contain_text(f"«\u00a0{asterisks}\u00a0»")
    await expect(words).to_contain_text("poste ou trunk absent\u00a0: 1004 (+2)")
    await expect(words).to_contain_text("Le disque de /etc/asterisk est plein")
    for problem_code in ("key_other", "database_away"):
        state = worded_state(ConfigState(configured=True, problem=say(problem_code)))
        await harness.put("config", "state", msgspec.to_builtins(state))
        await expect(page.locator("#status")).not_to_contain_text(say(problem_code))
        await expect(page.locator("#status")).to_contain_text("Rien ne peut être appliqué")
    text = await page.locator("main").inner_text()
    english = [one for one in ENGLISH.values() if "%(" not in one and len(one.split()) > 2 and one in text]
    assert english == []


async def test_what_was_undone_is_told(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    run = scenes_pbx.run(time.time(), "verify")
    run["steps"][-1] |= {"state": "failed", "message": "endpoint 1004 is missing"}
    run["steps"].append({"name": "roll_back", "state": "running", "at": None, "message": ""})
    await tell(harness, run=run)
    await expect(page.locator("#run-words")).to_contain_text("endpoint 1004 is missing")
    await expect(page.locator("#run [aria-current=step]")).to_contain_text("Retour arrière")
    run["steps"][-1] = run["steps"][-1] | {"state": "done"}
    ended = run | {"ended_at": time.time(), "result": "rolled_back"}
    await tell(harness, run=ended)
    await expect(page.locator("#run")).to_contain_text("Tout a été annulé")


async def notes_of(page: Page) -> str:
    return await page.locator("#notes").inner_text()


async def test_what_an_administrator_must_know_is_told(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    await tell(
        harness,
        mode="automatic",
        held=True,
        blind=True,
        restart_needed=["modules.conf"],
        edited=["pjsip.conf"],
        left_out=["Le site Lyon n’a pas de trunk."],
    )
    await expect(page.locator("#notes > *")).to_have_count(5)
    told = await notes_of(page)
    for words in (
        "modules.conf",
        "core restart gracefully",
        "suspendue",
        "pjsip.conf",
        "Lyon n’a pas de trunk",
    ):
        assert words in told
    await assert_accessible(page)
    await tell(harness, mode="automatic")
    await expect(page.locator("#config-mode")).to_contain_text("d’elle-même")
    await expect(page.locator("#notes")).to_be_empty()


async def test_what_may_pass_is_told_with_the_time_of_the_next_try(
    open_page: OpenPage, harness: Harness
) -> None:
    page = await open_page("/config")
    now = time.time()
    failed = scenes_pbx.failed_run(now) | {"passing": True}
    await tell(harness, mode="automatic", stuck=True, retry_at=now + 300, run=failed)
    notes = page.locator("#notes")
    await expect(notes).to_contain_text("Cela n’a pas pu se faire pour l’instant.")
    await expect(notes).to_contain_text(re.compile(r"réessaie de lui-même à \d\d:\d\d"))
    await assert_accessible(page)
    await tell(harness, mode="automatic", stuck=True, retry_at=now + 300, run=scenes_pbx.run(now, "stage"))
    await expect(notes).to_be_empty()


async def test_what_was_refused_is_told_to_wait_for_a_change(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    await tell(harness, mode="automatic", stuck=True, run=scenes_pbx.failed_run(time.time()))
    notes = page.locator("#notes")
    await expect(notes).to_contain_text("Ce qui attend a été refusé.")
    await expect(notes).not_to_contain_text("réessaie")
    await expect(page.get_by_role("button", name="Appliquer")).to_be_enabled()


async def test_up_to_date_and_held_is_never_told_together(open_page: OpenPage, harness: Harness) -> None:
    """Also of an owner of before that says both: nothing differs, so nothing is held back."""
    page = await open_page("/config")
    await tell(harness, mode="automatic", held=True)
    await expect(page.locator("#notes")).to_contain_text("suspendue")
    await tell(harness, mode="automatic", held=True, changes=0)
    await expect(page.locator("#status-title")).to_have_text("À jour")
    await expect(page.locator("#notes")).to_be_empty()
    await expect(page.locator("#config-mode")).to_contain_text("d’elle-même")
    await expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()


async def test_what_is_wrong_with_the_layout_is_told_in_french(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    status = page.locator("#status")
    for why, said in (
        ("port sip: a port between 1 and 65535", "port sip\u00a0: un port entre 1 et 65535"),
        (
            cause("layout_kind", field="ports.sip", found="str", wanted="int"),
            "ports.sip est de type str et non int",
        ),
        (cause("layout_truncated"), "il est vide, ou sa fin manque"),
    ):
        problem = say("layout_unusable", file="/data/asterisk/layout.json", why=why)
        state = worded_state(ConfigState(configured=True, problem=problem))
        await harness.put("config", "state", msgspec.to_builtins(state))
        await expect(status).to_contain_text("Rien ne peut être appliqué")
        await expect(status).to_contain_text(f"layout.json est inutilisable\u00a0: {said}")
    await expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()


async def test_an_asterisk_that_is_not_ours(open_page: OpenPage, harness: Harness) -> None:
    harness.topics["config"]["state"] = scenes_pbx.state(
        time.time(), configured=False, applied=None, changes=0
    )
    page = await open_page("/config")
    await expect(page.locator("#status-title")).to_have_text("Cet Asterisk n’est pas configuré par ccserver")
    await expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()
    assert [path for _, path, _ in harness.requests if path == "/api/config/diff"] == []


async def test_a_list_that_could_not_be_read_is_asked_for_again_by_itself(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.answers[("GET", "/api/config/diff")] = problem(
        503, "telephony_away", "La téléphonie ne répond pas."
    )
    page = await open_page("/config")
    await toasted(page, "La téléphonie ne répond pas.")
    harness.answers[("GET", "/api/config/diff")] = (200, scenes_pbx.diff("f3"))
    await expect(page.locator("#changes > li")).to_have_count(3)


async def test_shared_by_several_organisations_an_administrator_of_one_is_told_so(
    open_page: OpenPage, harness: Harness
) -> None:
    harness.topics["config"] = {}
    harness.answers[("GET", "/api/config")] = problem(403, "pbx_shared", "Cet Asterisk sert aussi d’autres.")
    page = await open_page("/config")
    await expect(page.locator("#status")).to_contain_text("Cet Asterisk sert aussi d’autres.")
    await expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()


async def test_history_opens_and_leads_back(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    rows = page.locator("#revisions > tr")
    await expect(rows).to_have_count(8)
    await rows.nth(2).locator("button").focus()
    await page.keyboard.press("Enter")
    panel = page.locator("#revision")
    await expect(panel).to_contain_text("Révision 39")
    await expect(panel.locator("#revision-steps > li")).to_have_count(7)
    await expect(panel.locator("#revision-files summary")).to_contain_text("pjsip.conf")
    await panel.locator("#revision-files summary").click()
    await expect(panel.locator("ins").first).to_be_visible()
    await assert_accessible(page)
    await panel.get_by_role("button", name="Revenir à celle-ci").click()
    await expect(page.locator("#rollback-dialog")).to_contain_text("Révision 39")
    await assert_accessible(page)
    harness.answers[("POST", "/api/config/rollback")] = problem(409, "config_busy", "Occupé par root.")
    await page.get_by_role("button", name="Y revenir").click()
    await expect(page.locator("#rollback-dialog")).to_contain_text("Occupé par root.")
    harness.answers[("POST", "/api/config/rollback")] = (202, {"id": "run-3"})
    await page.get_by_role("button", name="Y revenir").click()
    await expect(page.locator("#rollback-dialog")).to_be_hidden()
    await expect(panel).to_be_hidden()
    assert sent(harness, "/api/config/rollback") == [{"revision": 39}] * 2


async def test_a_failed_revision_leads_nowhere(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/config")
    await page.locator("#revisions > tr").nth(1).click()
    await expect(page.locator("#revision")).to_contain_text("callerrid")
    await expect(page.get_by_role("button", name="Revenir à celle-ci")).to_be_hidden()


async def test_more_of_the_history(open_page: OpenPage, harness: Harness) -> None:
    rows = scenes_pbx.revisions(time.time())
    harness.answers[("GET", "/api/config/history")] = (200, {"items": rows[:5], "next": "37"})
    harness.following["37"] = {"items": rows[5:], "next": ""}
    page = await open_page("/config")
    await expect(page.locator("#revisions > tr")).to_have_count(5)
    await page.locator("#more").click()
    await expect(page.locator("#revisions > tr")).to_have_count(8)
    await expect(page.locator("#more")).to_be_hidden()


async def test_on_a_phone_the_other_pages_are_one_touch_away(open_page: OpenPage, harness: Harness) -> None:
    page = await open_page("/board", width=390, height=844)
    more = page.locator(".nav-rest button")
    await expect(more).to_contain_text("3 modifications non appliquées")
    await more.click()
    await assert_accessible(page)
    await page.locator("#nav-rest").get_by_role("link", name="Asterisk").click()
    await page.wait_for_url("**/config")
    await expect(page.locator("#status-title")).to_have_text("3 modifications non appliquées")
