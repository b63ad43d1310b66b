"""The demo's people and numbers: kept with their secrets, fictional, and accepted by Asterisk's model."""

from pathlib import Path

import pytest
from ccserver.domain.numbers import to_e164
from ccserver.domain.pbx import DidPbx, PhonePbx, SitePbx, TrunkPbx, ring
from ccserver.stack.demo_plan import CUSTOMER_RANGES, FILE_NAME, keep_plan
from ccserver.stack.problems import StackProblem


def test_the_plan_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    first = keep_plan(tmp_path / "data")
    assert keep_plan(tmp_path / "data") == first
    assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    first, second = keep_plan(tmp_path / "a"), keep_plan(tmp_path / "b")
    secrets = {agent.password for agent in (*first.agents, *second.agents)}
    secrets |= {agent.sip_secret for agent in (*first.agents, *second.agents)}
    assert len(secrets) == 24
    assert first.supervisor_password not in repr(first)


def test_a_broken_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    with pytest.raises(StackProblem, match="Remove it"):
        keep_plan(tmp_path)


def test_asterisk_accepts_everything_of_the_plan(tmp_path: Path) -> None:
    plan = keep_plan(tmp_path)
    for site in plan.sites:
        SitePbx(id="x", slug=site.slug, caller_id=site.caller_id, trunks=(site.slug,))
        TrunkPbx(slug=site.slug, site=site.slug, host=site.address, port=site.port)
    for agent in plan.agents:
        PhonePbx(extension=agent.extension, secret=agent.sip_secret, site=agent.site, agent_id="x")


def test_each_agent_has_a_number(tmp_path: Path) -> None:
    plan = keep_plan(tmp_path)
    numbers = {plan.number_of(agent) for agent in plan.agents}
    assert len(numbers) == len(plan.agents)
    for agent in plan.agents:
        DidPbx(number=plan.number_of(agent), site=agent.site, opened=ring(agent.extension))


@pytest.mark.parametrize("start", CUSTOMER_RANGES)
def test_customers_numbers_are_numbers(start: str) -> None:
    assert to_e164(f"{start}1237", "FR") == f"{start}1237"
