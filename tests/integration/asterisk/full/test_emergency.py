"""Emergency calls: every way of their site, soon, and nobody else's."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ccserver.ports import AmiEvent, LinkDown, LinkUp
from ccserver.stack.softphone import CLOSED
from ccserver.telephony.ami import AmiLink

from tests.integration.asterisk.full.conftest import CarrierFactory
from tests.rig.asterisk import Central
from tests.rig.carrier import Carrier
from tests.rig.fixtures import PhoneFactory
from tests.rig.wait import until

pytestmark = pytest.mark.asterisk


@pytest.mark.parametrize("status", ["486 Busy Here", "503 Service Unavailable", "404 Not Found"])
async def test_an_emergency_call_tries_every_trunk_of_its_site_and_no_other(
    carrier: CarrierFactory, phone: PhoneFactory, status: str
) -> None:
    paris, backup, lyon = await carrier("paris", status), await carrier("paris-backup"), await carrier("lyon")
    agent = await phone("1001")
    await agent.dial("112")
    await backup.called()
    assert (paris.dialled, backup.dialled) == (["112"], ["9112"])
    await agent.hang_up()
    await agent.event(CLOSED)
    assert lyon.dialled == []


async def test_an_emergency_call_does_not_wait_for_a_trunk_that_is_known_to_be_down(
    asterisk: Central, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    await asterisk.unreachable("trunk-paris")
    backup = await carrier("paris-backup", "503 Service Unavailable")
    agent = await phone("1001")
    await agent.dial("15")
    await backup.called()
    late = Carrier(asterisk.model.trunk("paris").host, asterisk.model.trunk("paris").port, "486 Busy Here")
    await late.start()
    try:
        await late.called()
        assert late.dialled == ["15"], "and it is tried in the end all the same"
    finally:
        late.stop()


async def test_a_trunk_that_died_a_moment_ago_is_given_up_soon(
    carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    paris, backup = await carrier("paris"), await carrier("paris-backup")
    paris.stop()
    agent = await phone("1001")
    await agent.dial("112")
    await until(lambda: backup.dialled == ["9112"], "the other trunk, before the 32 seconds of old", 30)


async def test_a_site_without_a_way_says_so_and_rings_nobody_elses_rescuers(
    asterisk: Central, carrier: CarrierFactory, phone: PhoneFactory
) -> None:
    """The caller hears it, and who listens to Asterisk is told."""
    paris, lyon = await carrier("paris"), await carrier("lyon")
    agent = await phone("300")
    async with told(asterisk) as events, said(asterisk) as log:
        await agent.dial("112")
        await until(lambda: does(log, "Playing 'cannot-complete-as-dialed"), "the announcement")
        await until(lambda: bool(events), "the event")
    failed = events[0]
    assert failed["UserEvent"] == "EmergencyFailed"
    assert (failed["Number"], failed["Site"], failed["Extension"]) == ("112", "remote", "300")
    assert paris.dialled == lyon.dialled == []


@asynccontextmanager
async def told(central: Central) -> AsyncIterator[list[Mapping[str, str]]]:
    """The events of the dialplan's own that Asterisk tells meanwhile."""
    events: list[Mapping[str, str]] = []

    def take(item: LinkUp | LinkDown | AmiEvent) -> None:
        if isinstance(item, AmiEvent):
            events.append(item.headers)

    user, port = central.model.ami, central.model.ports.ami
    wanted = frozenset({"UserEvent"})
    link = AmiLink("127.0.0.1", port, user.name, user.secret, take, time.time, wanted=wanted)
    await link.start()
    try:
        await until(lambda: link.up, "the link to Asterisk")
        yield events
    finally:
        await link.close()


@asynccontextmanager
async def said(central: Central) -> AsyncIterator[Path]:
    """A log of what Asterisk does meanwhile, step by step: what it plays is seen nowhere else once it is over."""
    log = central.process.log_file.with_name("steps.log")
    await central.process.rx(f"logger add channel {log.name} verbose(5)")
    try:
        await until(log.exists, "a log of its own")
        yield log
    finally:
        await central.process.rx(f"logger remove channel {log.name}")


async def does(log: Path, what: str) -> bool:
    return what in await asyncio.to_thread(log.read_text)
