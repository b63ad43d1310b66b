"""A phone in a real Chromium: SIP over secure WebSocket and sound by WebRTC (the page's part is in ``webphone``)."""

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from playwright.async_api import BrowserContext, Page

from tests.rig.asterisk import Central
from tests.rig.wait import PATIENCE_SECONDS, until

_SCRIPTS: Final = Path(__file__).with_name("webphone")
_PAGE: Final = (
    "<!doctype html><title>Phone</title><script type=module>import {Phone} from '/webphone/phone.js';"
    "window.Phone = Phone;</script>"
)


def sound_addresses(table: Path = Path("/proc/net/fib_trie")) -> set[str]:
    """This machine's IPv4 addresses but 127/8, which neither Chromium nor Asterisk ever offers for sound."""
    found = set(re.findall(r"\|-- ([\d.]+)\n +/32 host LOCAL", table.read_text()))
    return {address for address in found if not IPv4Address(address).is_loopback}


def sound_flags(certificate: Path) -> list[str]:
    """How Chromium must be started: a microphone that beeps, and trust in this one certificate.

    Raises AssertionError on a machine where two programs cannot exchange sound by WebRTC.
    """
    assert sound_addresses(), (
        "This machine has loopback only, and WebRTC has no sound over 127.0.0.1: neither Chromium nor Asterisk offers "
        "it. Give the machine any other address, as root: ip addr add 10.99.0.1/32 dev lo"
    )
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = read.public_key().public_bytes(serialization.Encoding.DER, form)
    return [
        f"--ignore-certificate-errors-spki-list={base64.b64encode(sha256(key).digest()).decode()}",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        # The only usable address may be a second one of the loopback card.
        "--allow-loopback-in-peer-connection",
    ]


@asynccontextmanager
async def phone_pages() -> AsyncIterator[str]:
    """Serves the phone's page from this machine (microphones need a secure context); yields its address."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=_PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_static("/webphone", _SCRIPTS)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPhone:
    """One page with one phone, its WebSocket open."""

    page: Page

    @classmethod
    async def open(
        cls, context: BrowserContext, address: str, central: Central, extension: str, *, secret: str = ""
    ) -> "BrowserPhone":
        """A page that has connected and not yet registered."""
        page = await context.new_page()
        await page.goto(address)
        await page.wait_for_function("'Phone' in window")
        ports = central.model.ports
        await page.evaluate(
            "account => { window.phone = new Phone(account); return window.phone.connect(); }",
            {
                "url": f"wss://{ports.https_address or ports.http_address}:{ports.https}/ws",
                "extension": extension,
                "secret": secret or central.phone_secret(extension),
            },
        )
        return cls(page=page)

    async def register(self) -> int:
        """The registrar's final answer."""
        status: int = await self.page.evaluate("window.phone.register()")
        return status

    async def call(self, number: str) -> int:
        """Dial; the final answer, with the sound set up when it is 200."""
        status: int = await self.page.evaluate("number => window.phone.call(number)", number)
        return status

    async def answer(self) -> None:
        await self.page.evaluate("window.phone.answer()")

    async def hang_up(self) -> None:
        await self.page.evaluate("window.phone.hangUp()")

    async def mute(self, silent: bool) -> None:
        await self.page.evaluate("silent => window.phone.mute(silent)", silent)

    async def freeze(self) -> None:
        """Answer nothing more, as a page that the system has stopped."""
        await self.page.evaluate("window.phone.deaf = true")

    async def get(self, expression: str) -> Any:
        """A property of the page's phone."""
        return await self.page.evaluate(f"window.phone.{expression}")

    async def until(self, condition: str, what: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for a condition on the page's phone, ``p``."""

        async def holds() -> bool:
            return bool(await self.page.evaluate(f"p = window.phone, {condition}"))

        try:
            await until(holds, what, seconds)
        except AssertionError as error:
            told = await self.page.evaluate(
                "[window.phone.state, window.phone.ended, window.phone.connection?.iceConnectionState, "
                "window.phone.connection?.connectionState, window.phone.closed]"
            )
            raise AssertionError(f"{error}: the page's phone is {told}") from None

    async def state(self, state: str) -> None:
        """Wait until the phone is calling, ringing, up or over."""
        await self.until(f"p.state === '{state}'", f"the page's phone is {state}")

    async def stats(self) -> dict[str, Any]:
        """What Chromium says of the call's sound."""
        told: dict[str, Any] = await self.page.evaluate("window.phone.stats()")
        return told
