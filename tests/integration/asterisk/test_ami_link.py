"""The AMI link against a real Asterisk: booting, dying, freezing; lists, refusals, the longest line."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.errors import Invalid, Unavailable
from ccserver.ports import AmiEvent, LinkDown
from ccserver.telephony.ami import AmiLink, AmiTiming
from ccserver.telephony.ami_codec import LINE_BYTES
from ccserver.telephony.ari import Ari
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import AmiError

from tests.integration.asterisk.links_pbx import AMI, LinksPbx, links_pbx, started
from tests.unit.telephony.sinks import Sink

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def linked(pbx: LinksPbx, sink: Sink, **more: Any) -> AsyncIterator[AmiLink]:
    more.setdefault("backoff", LinkBackoff((0.1,)))
    secret = more.pop("secret", AMI.secret)
    link = AmiLink("127.0.0.1", pbx.ami_port, AMI.name, secret, sink, time.time, **more)
    async with started(link):
        yield link


async def talking(ari: Ari, channel_id: str) -> None:
    """A channel of the dialplan that stays, under an id of ours."""
    await ari.channels.originate(
        endpoint="Local/talk@trial", context="trial", extension="talk", channel_id=channel_id
    )


async def test_waits_for_an_asterisk_that_is_not_there_yet(tmp_path: Path) -> None:
    pbx = await links_pbx(tmp_path)
    sink = Sink()
    async with linked(pbx, sink) as link:
        assert (await sink.down()).reason == "cannot connect: Connection refused"
        try:
            await pbx.process.start()
            await sink.up()
            assert link.up
            assert (await link.action("CoreStatus"))["Response"] == "Success"
        finally:
            await pbx.process.stop()


async def test_killed_and_restarted_is_told_in_order(pbx: LinksPbx) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        await pbx.process.kill9()
        await sink.down()
        with pytest.raises(Unavailable):
            await link.action("CoreStatus")
        await pbx.process.start()
        await sink.up()
        assert (await link.action("CoreStatus"))["Response"] == "Success"
        assert sink.links()[:2] == ["up", "down"]
        assert sink.links()[-1] == "up"


@pytest.mark.faults
async def test_frozen_is_told(pbx: LinksPbx) -> None:
    """Here sooner than in life, where it takes ten seconds at most."""
    life = AmiTiming()
    assert life.ping_interval + 2 * life.ping_deadline < 10
    sink = Sink()
    async with linked(pbx, sink, timing=replace(life, ping_interval=1.0, ping_deadline=2.0)) as link:
        await sink.up()
        pbx.process.suspend()
        try:
            # The first may still be answered: a signal takes its time.
            with pytest.raises(Unavailable):
                while await link.action("CoreStatus"):
                    pass
            assert (await sink.down()).reason == "no answer to ping"
        finally:
            pbx.process.resume()
        await sink.up()


async def test_stopped_gracefully_is_told_too(pbx: LinksPbx) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await pbx.process.stop()
        await sink.event("Shutdown")
        assert (await sink.down()).reason == "connection closed by Asterisk"


async def test_a_wrong_secret_is_asterisks_own_word(pbx: LinksPbx) -> None:
    sink = Sink()
    backoff = LinkBackoff((0.1, 3600))
    async with linked(pbx, sink, secret="not-the-right-secret", backoff=backoff) as link:
        assert (await sink.down()).reason == "login refused: Authentication failed"
        assert link.counters.noted["connections"] == 1
        assert backoff.failures >= 1


async def test_events_carry_asterisks_own_clock_and_every_letter(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        before = time.time()
        await talking(ari, "zoe-1")
        created = await sink.event("Newchannel")
        value = "Zoé Œuf ☎"
        await link.action("Setvar", Channel=created["Channel"], Variable="CALLERID(name)", Value=value)
        assert created["Uniqueid"] == "zoe-1"
        assert created["Linkedid"] == "zoe-1"
        while (await sink.event("NewCallerid"))["CallerIDName"] != value:
            pass
        await ari.channels.hangup("zoe-1", reason_code=17)
        while (gone := await sink.event("Hangup"))["Uniqueid"] != "zoe-1":
            pass
        assert gone["Cause"] == "17"
        events = [item.headers for item in sink.items if isinstance(item, AmiEvent)]
        stamps = [float(headers["Timestamp"]) for headers in events]
        # Asterisk's threads stamp an event a moment before they put it into the stream.
        assert all(earlier < later + 0.5 for earlier, later in pairwise(stamps))
        assert before - 1 < min(stamps) <= max(stamps) < time.time() + 1
        # Six digits after the point: durations to the millisecond rest on them.
        assert all(len(headers["Timestamp"].partition(".")[2]) == 6 for headers in events)


async def test_lists_of_a_resync(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        for number in range(12):
            await talking(ari, f"c-{number}")
        channels = await link.action_list("CoreShowChannels")
        assert {f"c-{number}" for number in range(12)} <= {channel["Uniqueid"] for channel in channels}
        assert all(channel["Linkedid"] for channel in channels)
        assert await link.action_list("PJSIPShowContacts") == []
        assert await link.action_list("PJSIPShowEndpoints") == []
        assert await link.action_list("PJSIPShowAors") == []
        assert [item["Queue"] for item in await link.action_list("QueueStatus")] == ["trial"]
        assert all(item["Event"] == "DeviceStateChange" for item in await link.action_list("DeviceStateList"))
        # No item of a list has leaked into the stream of events.
        assert not [
            item
            for item in sink.items
            if isinstance(item, AmiEvent) and item.headers["Event"] in ("CoreShowChannel", "QueueParams")
        ]


async def test_queue_add_answers_once(pbx: LinksPbx) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        answer = await link.action("QueueAdd", Queue="trial", Interface="Local/ring@trial", MemberName="Zoé")
        assert answer["Message"] == "Added interface to queue"
        assert (await sink.event("QueueMemberAdded"))["MemberName"] == "Zoé"
        with pytest.raises(AmiError, match="Already there"):
            await link.action("QueueAdd", Queue="trial", Interface="Local/ring@trial")


async def test_what_the_user_may_not_do_is_refused_in_words(pbx: LinksPbx) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        with pytest.raises(AmiError, match="Permission denied"):
            await link.action("Originate", Channel="Local/talk@trial", Exten="talk", Async="true")
        with pytest.raises(AmiError, match="Permission denied"):
            await link.action("Command", Command="core show version")
        assert link.up


async def test_the_longest_line_arrives_and_a_longer_one_is_not_sent(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        await talking(ari, "long-1")
        channel = (await ari.channels.get("long-1"))["name"]
        value = "é" * ((LINE_BYTES - len("Value: ")) // 2)
        await link.action("Setvar", Channel=channel, Variable="LONG", Value=value)
        assert await ari.channels.get_variable("long-1", "LONG") == value
        with pytest.raises(Invalid):
            await link.action("Setvar", Channel=channel, Variable="LONG", Value=value + "xx")
        await ari.channels.hangup("long-1")


async def test_no_header_can_be_smuggled_in(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        with pytest.raises(Invalid):
            await link.action("Setvar", Variable="A", Value="1\r\n\r\nAction: CoreShutdown\r\n\r\n")
        assert (await link.action("Ping"))["Ping"] == "Pong"
        assert not [item for item in sink.items if isinstance(item, LinkDown)]
