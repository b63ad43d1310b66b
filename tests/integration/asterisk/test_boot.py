"""The central Asterisk as rendered: it boots cleanly, and it carries calls with no server behind it."""

from collections.abc import Awaitable, Callable

import pytest
from ccserver.domain.pbx import EMERGENCY_NUMBERS
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.softphone import CLOSED, ESTABLISHED, INCOMING

from tests.integration.asterisk.full_central import complaints
from tests.rig.asterisk import DID_WITHOUT_FALLBACK, PARIS_DID, Central
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk


def channels_of(central: Central) -> Callable[[], Awaitable[str]]:
    """What runs now, one channel a line."""

    async def read() -> str:
        return await central.process.rx("core show channels concise")

    return read


async def test_boots_without_a_warning(own_asterisk: Central) -> None:
    assert complaints(own_asterisk) == []


async def test_every_module_of_the_list_runs(own_asterisk: Central) -> None:
    shown = await own_asterisk.process.rx("module show")
    assert "Not Running" not in shown


async def test_restart_and_kill_leave_a_process_that_starts_again(own_asterisk: Central) -> None:
    process = own_asterisk.process
    await process.restart()
    await process.kill9()
    assert not process.running
    await process.start()
    assert "Endpoint" in await process.rx("pjsip show endpoint 1001")


async def test_each_emergency_number_is_answered_before_the_catch_all(asterisk: Central) -> None:
    for number in EMERGENCY_NUMBERS:
        shown = await asterisk.process.rx(f"dialplan show {number}@from-agents-paris")
        first = shown.index(f"'{number}' =>")
        assert "Stasis" not in shown[first : shown.find("'_", first)]
        assert "trunk-paris/sip:" in shown[first:]


async def test_emergency_call_goes_to_the_sites_gateway_without_a_server(
    asterisk: Central, gateway_paris: GatewayProcess, phone: PhoneFactory
) -> None:
    agent = await phone("1001")
    await agent.dial("112")
    await agent.event(ESTABLISHED)
    running = await channels_of(asterisk)()
    assert "PJSIP/trunk-paris/sip:112@127.0.0.2" in running
    assert "Stasis" not in running
    seen_by_gateway = await gateway_paris.rx("core show channels concise")
    assert "+33145670000" in seen_by_gateway, "the site's own number is shown to the emergency centre"
    await agent.hang_up()


async def test_without_server_a_caller_reaches_the_numbers_phone(
    asterisk: Central, phone: PhoneFactory, sipp: SippFactory
) -> None:
    agent = await phone("1001")
    caller = await sipp("caller", number="0145670001", talk_ms=300)
    await agent.event(INCOMING)
    await agent.answer()
    await agent.event(CLOSED)
    assert await caller.wait() == 0
    assert caller.statuses()[-2:] == [200, 200]


@pytest.mark.parametrize("form", ["+33145670001", "33145670001", "0033145670001", "0145670001"])
async def test_a_number_is_recognised_in_every_form_gateways_use(asterisk: Central, form: str) -> None:
    shown = await asterisk.process.rx(f"dialplan show {form}@from-trunk-paris")
    assert f"Goto(inbound-paris,{PARIS_DID},1)" in shown


async def test_without_server_a_number_without_phone_is_refused(asterisk: Central, sipp: SippFactory) -> None:
    caller = await sipp("caller", number=DID_WITHOUT_FALLBACK)
    assert await caller.wait() == 0
    assert caller.statuses()[-1] == 503


async def test_a_stranger_is_not_taken_for_a_gateway(asterisk: Central, sipp: SippFactory) -> None:
    """Trunks are known by address: writing a trunk's name in the From header must not open its context."""
    caller = await sipp("caller", caller="trunk-paris", address="127.0.0.9")
    await caller.wait()
    assert 200 not in caller.statuses()


async def test_a_dialled_number_cannot_carry_a_second_destination(
    asterisk: Central, gateway_paris: GatewayProcess, phone: PhoneFactory
) -> None:
    agent = await phone("1001")
    victim = await phone("1002")
    await agent.dial("0612345670%26PJSIP%2F1002")
    await agent.event(ESTABLISHED)
    assert [event.kind for event in victim.events if event.kind == INCOMING] == []
    running = await channels_of(asterisk)()
    assert "PJSIP/1002" not in running
    await agent.hang_up()


async def test_gateway_plays_the_outcome_of_the_last_digit(
    asterisk: Central, gateway_paris: GatewayProcess, phone: PhoneFactory
) -> None:
    agent = await phone("1001")
    for number, cause in (("0612345677", "486"), ("0612345679", "503")):
        since = agent.mark()
        await agent.dial(number)
        assert cause in (await agent.event(CLOSED, since=since)).detail


async def test_suspended_asterisk_answers_again(own_asterisk: Central) -> None:
    process = own_asterisk.process
    process.suspend()
    process.resume()
    await until(lambda: process.running, "running")
    assert "Asterisk" in await process.rx("core show version")
