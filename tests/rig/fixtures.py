"""Fixtures with a real Asterisk, stand-in gateways, phones and SIPp. See tests/rig/README.md."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from ccserver.stack.asterisk_root import AsteriskBinary, default_cache, ensure_asterisk
from ccserver.stack.gateway import GatewayProcess
from ccserver.stack.progress import QuietProgress
from ccserver.stack.softphone import PhoneEvent, Softphone

from tests.rig.asterisk import Central, end_all_calls, kept_running, make_central, make_gateway, new_home
from tests.rig.sipp import SippProcess
from tests.rig.wait import PATIENCE_SECONDS


class Phone(Softphone):
    """A softphone whose events are waited for with patience, not for ever."""

    async def event(self, *kinds: str, since: int = 0) -> PhoneEvent:
        """As in Softphone. Raises AssertionError telling what came instead."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await super().event(*kinds, since=since)
        except TimeoutError:
            raise AssertionError(f"phone {self.extension}: no {kinds}, but {self.events}") from None


PhoneFactory = Callable[[str], Awaitable[Phone]]
SippFactory = Callable[..., Awaitable[SippProcess]]


@pytest.fixture(scope="session")
def asterisk_binary() -> AsteriskBinary:
    """The Asterisk of this machine; made once when there is none."""
    return ensure_asterisk(default_cache(), QuietProgress())


@pytest.fixture(scope="session")
def _central(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    home = new_home()
    central = make_central(asterisk_binary, home)
    with kept_running(central.process, home):
        yield central


@pytest.fixture
def asterisk(_central: Central) -> Iterator[Central]:
    """The central Asterisk, shared by the session: running and without calls when a test gets it."""
    if not _central.process.running:
        _central.process.start_now()
    yield _central
    if _central.process.running:
        _central.process.resume()
        end_all_calls(_central)


@pytest.fixture
def own_asterisk(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    """A central Asterisk of this test's own (0.4 s), to be killed, frozen or restarted at will."""
    home = new_home()
    central = make_central(asterisk_binary, home)
    with kept_running(central.process, home):
        yield central


def _gateway(binary: AsteriskBinary, central: Central, slug: str) -> Iterator[GatewayProcess]:
    home = new_home()
    gateway = make_gateway(binary, home, central, slug)
    with kept_running(gateway, home):
        yield gateway


@pytest.fixture(scope="session")
def _gateway_paris(asterisk_binary: AsteriskBinary, _central: Central) -> Iterator[GatewayProcess]:
    yield from _gateway(asterisk_binary, _central, "paris")


@pytest.fixture
def gateway_paris(asterisk: Central, _gateway_paris: GatewayProcess) -> GatewayProcess:
    """The gateway of site paris, running and known to be reachable."""
    if not _gateway_paris.running:
        _gateway_paris.start_now()
    asterisk.reachable_now("trunk-paris")
    return _gateway_paris


@pytest.fixture
def gateway_lyon(asterisk_binary: AsteriskBinary, asterisk: Central) -> Iterator[GatewayProcess]:
    """The gateway of site lyon, known to be reachable.

    Without this fixture nobody is there, and a test that needs Asterisk to know it says
    ``await asterisk.unreachable("trunk-lyon")``.
    """
    for gateway in _gateway(asterisk_binary, asterisk, "lyon"):
        asterisk.reachable_now("trunk-lyon")
        yield gateway


@pytest.fixture
async def phone(asterisk: Central, tmp_path: Path) -> AsyncIterator[PhoneFactory]:
    """``await phone("1001")``: a registered softphone that the test answers, holds and hangs up."""
    phones: list[Phone] = []

    async def start(extension: str) -> Phone:
        host, port = asterisk.sip
        made = Phone(
            tmp_path / f"phone-{extension}-{len(phones)}",
            extension=extension,
            secret=asterisk.phone_secret(extension),
            server=host,
            server_port=port,
        )
        phones.append(made)
        await made.start()
        return made

    yield start
    for made in phones:
        # Killed, it would stay registered for the next test.
        await made.stop(PATIENCE_SECONDS / 4)


@pytest.fixture
async def sipp(asterisk: Central, tmp_path: Path) -> AsyncIterator[SippFactory]:
    """``await sipp("caller", number=..., address=...)``: a SIPp scenario running against the Asterisk.

    Phones give their registrations back when the test is over: the next one finds nobody there.
    """
    running: list[SippProcess] = []

    async def start(scenario: str, **options: object) -> SippProcess:
        made = SippProcess(asterisk, scenario, tmp_path / f"sipp-{len(running)}", **options)  # type: ignore[arg-type]
        running.append(made)
        await made.start()
        return made

    yield start
    for made in running:
        await made.leave()
