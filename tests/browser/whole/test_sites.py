"""A new site from nothing to a number that rings, by the pages alone, while a second administrator looks on."""

import pytest
from playwright.async_api import expect

from tests.browser.whole.conftest import Visit
from tests.browser.witness import ready
from tests.rig.installation import CHIEF, Installation

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]


async def test_a_new_site_by_its_pages(installation: Installation, visit: Visit) -> None:
    node = await installation.node()
    here, there = await visit(node, CHIEF), await visit(node, CHIEF)
    await there.goto(f"{node.base}/sites")
    await ready(there)
    await expect(there.locator("#sites > tr")).to_have_count(2)
    await there.evaluate("window.never_reloaded = true")

    await here.goto(f"{node.base}/schedules")
    await ready(here)
    await here.locator("#new-schedule").click()
    await here.locator("#schedule-name").fill("Bureau")
    tuesday = here.get_by_role("group", name="Mardi")
    await tuesday.get_by_label("Mardi, ferme à").first.fill("8")
    await here.locator("#schedule-form button[type=submit]").click()
    await expect(tuesday.locator(".error")).not_to_be_empty()
    await tuesday.get_by_label("Mardi, ferme à").first.fill("12h30")
    await here.locator("#schedule-form button[type=submit]").click()
    await expect(here.locator(".schedule")).to_contain_text("09:00–12:30, 14:00–18:00")

    await here.goto(f"{node.base}/sites")
    await ready(here)
    await here.locator("#new-site").click()
    await here.locator("#site-name").fill("Nîmes")
    await here.get_by_text("Téléphones et réseau").click()
    await here.locator("#site-subnets").fill("10.30.0.0/16, 10.31.0.0/33")
    await here.locator("#site-form button[type=submit]").click()
    await expect(here.locator("#site-subnets-error")).not_to_be_empty()
    await here.locator("#site-subnets").fill("10.30.0.0/16")
    await here.locator("#site-form button[type=submit]").click()
    await here.wait_for_url("**/sites/nimes")
    await ready(here)
    nimes = there.locator("#sites > tr").filter(has_text="Nîmes")
    await expect(nimes).to_contain_text("Sans trunk")

    # Its gateway: outside the VPN is refused, inside is taken.
    await here.locator("#new-trunks").click()
    await expect(here.locator("#trunk-slug")).to_have_value("nimes")
    await here.locator("#trunk-host").fill("198.51.100.7")
    await here.locator("#trunk-form button[type=submit]").click()
    await expect(here.locator("#trunk-host-error")).not_to_be_empty()
    await here.locator("#trunk-host").fill("10.30.0.1")
    await here.locator("#trunk-form button[type=submit]").click()
    await expect(here.locator("#trunks")).to_contain_text("10.30.0.1:5060")
    await expect(nimes.locator("[data-lines] > li")).to_have_count(1)
    # A second one, which logs in; its password never comes back.
    await here.locator("#new-trunks").click()
    await here.locator("#trunk-form label:has(input[value=ovh])").click()
    await here.locator("#trunk-username").fill("0033466000000")
    await here.locator("#trunk-secret").fill("un-mot-de-passe")
    await here.locator("#trunk-form button[type=submit]").click()
    await expect(here.locator("#trunks > tr")).to_have_count(2)
    await expect(here.locator("#trunks > tr").nth(1)).to_contain_text("Secours")
    await here.locator("#trunks > tr").nth(1).locator("[data-move='-1']").click()
    await expect(here.locator("#trunks > tr").first).to_contain_text("0033466000000")
    assert "un-mot-de-passe" not in await here.content()

    # Numbers: a range, opened and closed.
    await here.locator("#new-numbers").click()
    await here.locator("#number-form label:has(input[value=range])").click()
    await here.locator("#number-first").fill("04 66 00 00 10")
    await here.locator("#number-last").fill("04 66 00 00 14")
    await here.locator("#number-label").fill("Accueil")
    await here.select_option("[name='opened.target']", "agent")
    await here.locator("#number-form button[type=submit]").click()
    await expect(here.locator("#number-form [data-error-for=opened]")).not_to_be_empty()
    await here.select_option("[name='opened.user_id']", str(installation.ids["1001"]))
    await here.select_option("#number-schedule", label="Bureau")
    await here.locator("#number-form button[type=submit]").click()
    await expect(here.locator("#numbers > tr")).to_have_count(5)
    await expect(here.locator("#numbers > tr").first).to_contain_text("(1001)")
    await expect(here.locator("#numbers > tr").first).to_contain_text("Fermé : Messagerie vocale")
    await expect(nimes.locator("[data-field=numbers]")).to_have_text("5")
    await here.locator("#new-numbers").click()
    await here.locator("#number-first").fill("04 66 00 00 12")
    await here.select_option("[name='opened.target']", "none")
    await here.locator("#number-form button[type=submit]").click()
    await expect(
        here.locator("#number-first-error, #number-form [data-form-error]:visible").first
    ).not_to_be_empty()
    await here.locator("#number-dialog [data-close]").first.click()

    # Routes and the probe.
    await here.locator("#new-routes").click()
    await here.locator("#route-prefix").fill("+44")
    await here.locator("#route-form .order-item").filter(has_text="Yeastar").first.locator("input").check()
    await here.locator("#route-form button[type=submit]").click()
    await expect(here.locator("#routes > tr")).to_contain_text("+44")
    await here.locator("#probe-number").fill("+44 20 7946 0958")
    await here.locator("#probe-number").press("Enter")
    await expect(here.locator("#probe-ways > li")).to_have_count(2)
    await expect(here.locator("#probe-ways > li").first).to_contain_text("Yeastar")
    await here.locator("#probe-number").fill("nimporte")
    await here.locator("#probe-number").press("Enter")
    await expect(here.locator("#probe-error")).not_to_be_empty()

    # Refused while something hangs on it; what hangs is counted.
    await here.locator("#delete-site").click()
    await here.locator("#confirm [data-act]").click()
    await expect(here.locator("#confirm [data-form-error]")).to_contain_text("5")
    assert await there.evaluate("window.never_reloaded") is True

    # An agent has no such page.
    agent = await visit(node, "agent1001")
    await expect(agent.locator(".nav a")).to_have_count(2)
    await expect(agent.locator(".nav a[href='/sites']")).to_have_count(0)
    for path in ("/sites", "/sites/nimes", "/schedules"):
        response = await agent.goto(f"{node.base}{path}")
        assert response is not None and response.status == 403, path
