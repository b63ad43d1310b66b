"""Agents' phones in a browser, as rendered: a real Chromium on a real Asterisk, over WSS and DTLS-SRTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from ccserver.domain.pbx import DidPbx, ring
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.self_signed import keep_certificate
from ccserver.stack.softphone import CLOSED, ESTABLISHED, Softphone
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import FLAGS, LAUNCH_MS
from tests.rig.asterisk import Central, demo_model, end_all_calls, kept_running, new_home
from tests.rig.browser_phone import BrowserPhone, phone_pages, sound_flags
from tests.rig.capture import Listener
from tests.rig.wait import PATIENCE_SECONDS, until

# One Chromium for all: they share a loop.
pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

BROWSER_DID = "+33478670004"
ECHO = "+33478000005"
QUALIFY_SECONDS = 5

OpenPhone = Callable[..., Awaitable[BrowserPhone]]


@pytest.fixture(scope="module")
def _secure(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    home = new_home()
    demo = demo_model(asterisk_binary, home)
    model = replace(
        demo,
        ports=replace(demo.ports, https=free_tcp_port(), sip_tls=free_tcp_port()),
        tls=keep_certificate(home / "tls", datetime.now(tz=UTC)),
        dids=(*demo.dids, DidPbx(number=BROWSER_DID, site="lyon", opened=ring("1004"))),
        qualify_seconds=QUALIFY_SECONDS,
        rtp_timeout_seconds=30,
    )
    made = Central.of(asterisk_binary, model, name="the Asterisk of browser phones")
    with kept_running(made.process, home):
        yield made


@pytest.fixture
def asterisk(_secure: Central) -> Iterator[Central]:
    yield _secure
    end_all_calls(_secure)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def _browser(chromium: str, _secure: Central) -> AsyncIterator[Browser]:
    flags = await asyncio.to_thread(sound_flags, Path(_secure.model.tls.certificate))
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, *flags], timeout=LAUNCH_MS
        )
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_phone(_browser: Browser, asterisk: Central) -> AsyncIterator[OpenPhone]:
    """``await open_phone("1004")``: a page of its own whose WebSocket to Asterisk is open."""
    context = await _browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    async with phone_pages() as address:

        async def open_it(extension: str, *, secret: str = "") -> BrowserPhone:
            return await BrowserPhone.open(context, address, asterisk, extension, secret=secret)

        yield open_it
        await context.close()
    # The next test's phone must not find this one's.
    await until(lambda: nobody_is_registered(asterisk), "Asterisk has noticed that the pages are closed")


async def nobody_is_registered(central: Central) -> bool:
    return "transport=ws" not in await central.process.rx("pjsip show contacts")


@pytest_asyncio.fixture(loop_scope="module")
async def agent(open_phone: OpenPhone, asterisk: Central) -> BrowserPhone:
    """1004, registered and known to be reachable."""
    made = await open_phone("1004")
    assert await made.register() == 200
    await until(lambda: contact_is(asterisk, "1004", "Avail"), "1004 reachable")
    return made


async def contact_is(central: Central, extension: str, word: str) -> bool:
    lines = (await central.process.rx("pjsip show contacts")).splitlines()
    return any(f" {extension}/" in line and f" {word} " in line for line in lines)


async def assert_talks(phone: BrowserPhone, codec: str) -> None:
    """Both ways and encrypted. The other side is an echo: what is heard are our own beeps, so muting ends them."""
    await phone.until("p.peak > 0.02", "our beeps come back")
    await phone.mute(True)
    await phone.until("p.quietFor() > 1500", "silence comes back while muted")
    await phone.mute(False)
    await phone.until("p.quietFor() < 200", "our beeps come back again")
    stats = await phone.stats()
    assert min(stats["sent"], stats["received"]) > 20, stats
    assert stats["energy"] > 0, stats
    assert stats["codecs"] == [codec, codec], stats
    assert (stats["dtls"], stats["tls"]) == ("connected", "FEFD"), stats
    assert stats["cipher"].startswith(("SRTP_AES128_CM", "AES_CM_128", "SRTP_AEAD_AES", "AEAD_AES")), stats


async def test_a_page_is_called_and_talks(
    asterisk: Central, gateway_lyon: GatewayProcess, agent: BrowserPhone
) -> None:
    await gateway_lyon.rx(
        f"channel originate Local/+33612345678*{BROWSER_DID}*120@callers/n application Echo"
    )
    await agent.state("ringing")
    offer = await agent.get("offered")
    assert "UDP/TLS/RTP/SAVPF" in offer and "a=fingerprint:SHA-256" in offer
    await agent.answer()
    await assert_talks(agent, "audio/PCMA")
    await gateway_lyon.rx("channel request hangup all")
    await agent.state("over")


async def test_a_page_calls_out_and_talks(
    asterisk: Central, gateway_lyon: GatewayProcess, agent: BrowserPhone
) -> None:
    assert await agent.call(ECHO) == 200
    await assert_talks(agent, "audio/opus")
    await agent.hang_up()
    assert await agent.get("status") == 200
    await until(lambda: no_channels(asterisk), "no channel is left")


async def no_channels(central: Central) -> bool:
    # Not the first line: where there is no network card, Asterisk's console begins with a complaint about that.
    return "0 active channels" in (await central.process.rx("core show channels count")).splitlines()


async def test_a_wrong_secret_is_refused(asterisk: Central, open_phone: OpenPhone) -> None:
    stranger = await open_phone("1004", secret="not-the-secret")
    assert await stranger.register() == 401
    assert await stranger.call("1001") == 401
    assert " 1004/" not in await asterisk.process.rx("pjsip show contacts")


async def test_sound_is_never_less_than_the_account_asks(
    asterisk: Central, gateway_lyon: GatewayProcess, open_phone: OpenPhone, tmp_path: Path
) -> None:
    page = await open_phone("1002")
    assert await page.register() == 200
    assert await page.call(ECHO) == 488, "a softphone's account in a page"
    host, port = asterisk.sip
    secret = asterisk.phone_secret("1004")
    plain = Softphone(tmp_path / "phone", extension="1004", secret=secret, server=host, server_port=port)
    await plain.start()
    try:
        since = plain.mark()
        await plain.dial(ECHO)
        async with asyncio.timeout(PATIENCE_SECONDS):
            refused = await plain.event(ESTABLISHED, CLOSED, since=since)
        assert (refused.kind, refused.detail[:3]) == (CLOSED, "488"), "a page's account without encryption"
    finally:
        await plain.stop()


async def test_a_closed_and_a_frozen_page_are_noticed(asterisk: Central, agent: BrowserPhone) -> None:
    async with Listener(asterisk, "nobody").listening() as listener:

        def told(status: str) -> bool:
            return any(
                "Event: ContactStatus" in line["raw"]
                and "EndpointName: 1004" in line["raw"]
                and f"ContactStatus: {status}\r" in line["raw"]
                for line in listener.recording.lines
            )

        await agent.freeze()
        await until(lambda: told("Unreachable"), "the frozen page")
        await agent.page.close()
        await until(lambda: told("Removed"), "the closed page")
