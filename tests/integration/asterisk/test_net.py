"""The net under the server: what catches a call when the server is frozen, and what a failed boot says."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.domain.pbx import PbxDirectories, PbxModel
from ccserver.stack.asterisk_process import AsteriskFailed, AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.softphone import CLOSED, ESTABLISHED, INCOMING
from ccserver.telephony.render import render

from tests.rig.asterisk import PARIS_DID, Central, demo_model, kept_running, new_home, remove_home
from tests.rig.capture import Listener
from tests.rig.fixtures import PhoneFactory, SippFactory
from tests.rig.wait import until

pytestmark = [pytest.mark.asterisk, pytest.mark.faults]


@pytest.fixture
def asterisk(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    """A central whose callers are given back after five seconds without a sign of the server."""
    home = new_home()
    model = replace(demo_model(asterisk_binary, home), lease_seconds=5)
    central = Central.of(asterisk_binary, model)
    with kept_running(central.process, home):
        yield central


async def test_a_frozen_server_loses_its_caller_to_the_numbers_phone(
    asterisk: Central, phone: PhoneFactory, sipp: SippFactory
) -> None:
    agent = await phone("1001")
    async with Listener(asterisk).listening() as server:
        caller = await sipp("caller", number=PARIS_DID, talk_ms=300)
        started = await server.recording.event("StasisStart")
        await server.rest("POST", f"/channels/{started['channel']['id']}/ring")
        # ...and from here on the server does nothing.
        await agent.event(INCOMING)
        await agent.answer()
        await agent.event(CLOSED)
        assert await caller.wait() == 0


async def test_a_server_that_renews_keeps_its_caller(
    asterisk: Central, phone: PhoneFactory, sipp: SippFactory
) -> None:
    agent = await phone("1001")
    async with Listener(asterisk).listening() as server:
        await sipp("caller", number=PARIS_DID)
        channel = (await server.recording.event("StasisStart"))["channel"]["id"]
        for _ in range(16):
            # Time has to pass here: it is the lease that is tested.
            await asyncio.sleep(0.4)
            lease = {"variable": "TIMEOUT(absolute)", "value": "5"}
            assert (await server.rest("POST", f"/channels/{channel}/variable", **lease))[0] == 204
        assert [event for event in agent.events if event.kind == INCOMING] == []
        shown = await asterisk.process.rx("core show channels concise")
        assert "!Stasis!ccserver,inbound,paris," in shown
        await server.rest("DELETE", f"/channels/{channel}")


async def test_without_server_phones_reach_each_other(asterisk: Central, phone: PhoneFactory) -> None:
    first, second = await phone("1001"), await phone("1002")
    await first.dial("1002")
    await second.event(INCOMING)
    await second.answer()
    await first.event(ESTABLISHED)
    await first.hang_up()
    await second.event(CLOSED)


async def test_a_new_phone_is_there_after_a_reload(asterisk: Central, phone: PhoneFactory) -> None:
    model: PbxModel = asterisk.model
    more = replace(model.phones[0], extension="1999", agent_id="agent-1999", secret="secret-of-1999")
    grown = replace(model, revision=2, phones=(*model.phones, more))

    async def known() -> bool:
        return "Unable to find" not in await asterisk.process.rx("pjsip show endpoint 1999")

    assert not await known()
    await asterisk.process.reload(await asyncio.to_thread(render, grown))
    await until(known, "the endpoint of 1999")


async def test_a_boot_that_fails_says_so_and_leaves_nothing(asterisk: Central, tmp_path: Path) -> None:
    home = new_home()
    try:
        model = replace(
            asterisk.model,
            directories=PbxDirectories.under(str(home), modules=str(tmp_path), data=str(tmp_path)),
        )
        program = AsteriskBinary(
            argv=("/bin/false",), moddir=tmp_path, datadir=tmp_path, version="0", origin="a test"
        )
        broken = await asyncio.to_thread(AsteriskProcess.of, program, model, name="the broken one")
        with pytest.raises(AsteriskFailed, match="the broken one ended while it was starting"):
            await broken.start()
        assert not broken.running
    finally:
        remove_home(home)


async def test_a_boot_without_its_modules_repeats_asterisks_own_words(
    asterisk_binary: AsteriskBinary, tmp_path: Path
) -> None:
    home = new_home()
    try:
        data = str(asterisk_binary.datadir)
        model = replace(
            await asyncio.to_thread(demo_model, asterisk_binary, home),
            directories=PbxDirectories.under(str(home), modules=str(tmp_path), data=data),
        )
        broken = await asyncio.to_thread(AsteriskProcess.of, asterisk_binary, model, name="the broken one")
        try:
            # It does not end by itself; how soon it says why is the machine's business.
            for seconds in (2, 4, 8, 16, 32):
                with pytest.raises(AsteriskFailed) as caught:
                    await broken.start(deadline_seconds=seconds)
                assert not broken.running
                if re.search("res_sorcery_config|res_pjsip|loader", str(caught.value)):
                    break
            else:
                raise AssertionError(caught.value)
        finally:
            broken.kill9_now()
    finally:
        remove_home(home)
