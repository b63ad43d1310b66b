"""The ARI client and its event link against a real Asterisk: every verb we rely on, and every way to go away."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from ccserver.domain.errors import Unavailable
from ccserver.telephony.ari import Ari, AriLink
from ccserver.telephony.ari_events import AriTiming
from ccserver.telephony.backoff import LinkBackoff
from ccserver.telephony.errors import (
    AriAllocationFailed,
    AriConflict,
    AriNotFound,
    AriRefused,
    AriUnprocessable,
)

from tests.integration.asterisk.links_pbx import ARI, LinksPbx, links_pbx, started
from tests.rig.wait import until
from tests.unit.telephony.sinks import Sink

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def linked(pbx: LinksPbx, sink: Sink, **more: Any) -> AsyncIterator[AriLink]:
    more.setdefault("backoff", LinkBackoff((0.1,)))
    secret = more.pop("secret", ARI.secret)
    link = AriLink(pbx.ari_url, "cc", ARI.name, secret, sink, time.time, **more)
    async with started(link):
        yield link


async def talking(ari: Ari, sink: Sink, channel_id: str) -> None:
    """An answered channel in the application, under an id of ours."""
    await ari.channels.originate(
        endpoint="Local/talk@trial", app="cc", app_args=["leg", channel_id], channel_id=channel_id, timeout=30
    )
    while (await sink.event("StasisStart"))["channel"]["id"] != channel_id:
        pass


# Going away


async def test_waits_for_an_asterisk_that_is_not_there_yet(tmp_path: Path) -> None:
    pbx = await links_pbx(tmp_path)
    sink = Sink()
    async with linked(pbx, sink), Ari(pbx.ari_url, ARI.name, ARI.secret) as ari:
        assert (await sink.down()).reason == "cannot connect: Connection refused"
        with pytest.raises(Unavailable):
            await ari.asterisk.ping()
        try:
            await pbx.process.start()
            await sink.up()
            assert (await ari.asterisk.ping())["ping"] == "pong"
        finally:
            await pbx.process.stop()


async def test_killed_and_restarted_is_told_in_order(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink) as link:
        await sink.up()
        assert await ari.channels.list() == []
        await pbx.process.kill9()
        await sink.down()
        with pytest.raises(Unavailable):
            await ari.channels.list()
        await pbx.process.start()
        await sink.up()
        assert link.up
        # The pooled connections of before are dead; nobody notices.
        assert await ari.channels.list() == []
        assert sink.links()[:2] == ["up", "down"]
        assert sink.links()[-1] == "up"


@pytest.mark.faults
async def test_frozen_is_told(pbx: LinksPbx, ari: Ari) -> None:
    """Here sooner than in life, where it takes ten seconds at most."""
    assert 1.5 * AriTiming().heartbeat < 10
    sink = Sink()
    async with linked(pbx, sink, timing=AriTiming(heartbeat=3.0)):
        await sink.up()
        pbx.process.suspend()
        try:
            with pytest.raises(Unavailable) as caught:
                await ari.asterisk.ping()
            assert caught.value.params["why"] == "deadline"
            assert (await sink.down()).reason == "no answer to ping"
        finally:
            pbx.process.resume()
        await sink.up()


async def test_another_client_of_the_same_application_ends_us(pbx: LinksPbx, ari: Ari) -> None:
    first_sink, second_sink = Sink(), Sink()
    async with linked(pbx, first_sink, allowed=["StasisStart"]) as first:
        await first_sink.up()
        async with linked(pbx, second_sink) as second:
            await second_sink.up()
            assert (await first_sink.event("ApplicationReplaced"))["application"] == "cc"
            assert (await first_sink.down()).reason == "replaced by another client"
            assert first.replaced
            assert not first.up
            # Our closing of the first socket does not take the application from the second client.
            await talking(ari, second_sink, "mine-1")
            assert second.up
            assert not second.replaced
            assert first_sink.links() == ["up", "down"]
            await first.start()
            await first_sink.up()
            assert (await second_sink.down()).reason == "replaced by another client"
            assert second.replaced
            await talking(ari, first_sink, "mine-2")


async def test_a_wrong_secret_is_refused_and_not_hammered(pbx: LinksPbx) -> None:
    sink = Sink()
    async with (
        linked(pbx, sink, secret="not-the-right-one", backoff=LinkBackoff((0.1, 3600))) as link,
        Ari(pbx.ari_url, ARI.name, "not-the-right-one") as ari,
    ):
        assert (await sink.down()).reason == "user or secret refused (401)"
        assert link.counters.noted["connections"] == 0
        with pytest.raises(AriRefused) as caught:
            await ari.asterisk.ping()
        assert caught.value.status == 401


async def test_only_allowed_events_come_also_after_a_restart(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink, allowed=["StasisStart", "StasisEnd"]):
        await sink.up()
        await talking(ari, sink, "a")
        await pbx.process.kill9()
        await pbx.process.start()
        await sink.up()
        await talking(ari, sink, "b")
        await ari.channels.hangup("b")
        await sink.event("StasisEnd")
        types = {item.body["type"] for item in sink.items if hasattr(item, "body")}
        assert types == {"StasisStart", "StasisEnd"}


# Every verb we rely on


async def test_the_life_of_a_channel(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "life-1")
        channel = await ari.channels.get("life-1")
        assert channel["state"] == "Up"
        assert channel["dialplan"]["app_data"] == "cc,leg,life-1"
        assert "life-1" in {listed["id"] for listed in await ari.channels.list()}
        await ari.channels.set_variable("life-1", "CC_CALL", "é+& =1")
        assert await ari.channels.get_variable("life-1", "CC_CALL") == "é+& =1"
        await ari.channels.set_variables("life-1", {"CC_SITE": "paris", "CC_ROLE": "agent"})
        assert (await ari.channels.get("life-1"))["channelvars"]["CC_SITE"] == "paris"
        await ari.channels.set_variable("life-1", "TIMEOUT(absolute)", "45")
        await ari.channels.hold("life-1")
        await ari.channels.unhold("life-1")
        await ari.channels.mute("life-1", direction="in")
        await ari.channels.unmute("life-1", direction="in")
        await ari.channels.start_moh("life-1")
        await ari.channels.stop_moh("life-1")
        await ari.channels.start_silence("life-1")
        await ari.channels.stop_silence("life-1")
        await ari.channels.send_dtmf("life-1", "12#", duration=40, between=40)
        await ari.channels.ring("life-1")
        await ari.channels.ring_stop("life-1")
        with pytest.raises(AriRefused, match="Unsupported channel type"):
            await ari.channels.rtp_statistics("life-1")
        await ari.channels.hangup("life-1", reason="normal")
        assert (await sink.event("ChannelDestroyed"))["cause"] == 16
        with pytest.raises(AriNotFound):
            await ari.channels.get("life-1")


async def test_sounds_and_recordings(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "rec-1")
        playback = await ari.channels.play("rec-1", ["sound:vm-intro", "sound:vm-intro"], playback_id="p-1")
        assert playback["id"] == "p-1"
        assert (await sink.event("PlaybackStarted"))["playback"]["id"] == "p-1"
        await ari.playbacks.control("p-1", "pause")
        await ari.playbacks.control("p-1", "unpause")
        await ari.playbacks.stop("p-1")
        await sink.event("PlaybackFinished")
        await ari.channels.record("rec-1", "trial-recording", format="wav")
        await sink.event("RecordingStarted")
        assert (await ari.recordings.get_live("trial-recording"))["state"] == "recording"
        await ari.recordings.mute("trial-recording")
        await ari.recordings.unmute("trial-recording")
        await ari.recordings.pause("trial-recording")
        await ari.recordings.unpause("trial-recording")
        await ari.recordings.stop("trial-recording")
        await sink.event("RecordingFinished")
        assert [stored["name"] for stored in await ari.recordings.list_stored()] == ["trial-recording"]
        await ari.recordings.delete_stored("trial-recording")
        with pytest.raises(AriNotFound):
            await ari.recordings.get_stored("trial-recording")


async def test_bridges(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "left")
        await talking(ari, sink, "right")
        made = await ari.bridges.create("call-1", type="mixing,dtmf_events", name="call 1")
        assert (made["id"], made["name"]) == ("call-1", "call 1")
        await ari.applications.subscribe("cc", "bridge:call-1")
        await ari.bridges.add_channel("call-1", ["left", "right"])
        assert set((await ari.bridges.get("call-1"))["channels"]) == {"left", "right"}
        await ari.bridges.start_moh("call-1")
        await ari.bridges.stop_moh("call-1")
        await ari.bridges.play("call-1", "sound:beep", playback_id="b-1")
        await ari.bridges.record("call-1", "bridge-recording")
        # Before it has begun it cannot be ended: Asterisk answers 500.
        await sink.event("RecordingStarted")
        await ari.recordings.cancel("bridge-recording")
        snoop = await ari.channels.snoop("left", app="cc", app_args=["listen"], snoop_id="ear-1")
        assert snoop["id"] == "ear-1"
        await ari.bridges.remove_channel("call-1", "right")
        assert (await ari.bridges.get("call-1"))["channels"] == ["left"]
        assert "call-1" in {listed["id"] for listed in await ari.bridges.list()}
        await ari.bridges.destroy("call-1")
        # The answer comes before the end: until this event the bridge can still be read.
        assert (await sink.event("BridgeDestroyed"))["bridge"]["id"] == "call-1"
        with pytest.raises(AriNotFound):
            await ari.bridges.get("call-1")


async def test_a_created_channel_is_dialled_later(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await ari.channels.create(
            endpoint="Local/talk@trial", app="cc", app_args=["out"], channel_id="late-1"
        )
        started = await sink.event("StasisStart")
        assert (started["channel"]["state"], started["args"]) == ("Down", ["out"])
        await ari.channels.dial("late-1", timeout=30)
        while (await sink.event("Dial"))["dialstatus"] != "ANSWER":
            pass


async def test_back_to_the_dialplan(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "back-1")
        await ari.channels.continue_in_dialplan("back-1", context="trial", extension="talk", priority=1)
        assert (await sink.event("StasisEnd"))["channel"]["id"] == "back-1"

        async def is_back() -> bool:
            return bool((await ari.channels.get("back-1"))["dialplan"]["context"] == "trial")

        # Stasis tells of the end before the channel has gone on.
        await until(is_back, "the channel is in the dialplan again")


async def test_refusals_are_typed(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "once")
        with pytest.raises(AriConflict):
            await talking(ari, sink, "once")
        # Also right after a conflict, whose errno Asterisk still holds.
        for channel_id in (None, "nobody-1"):
            with pytest.raises(AriAllocationFailed):
                await ari.channels.originate(endpoint="PJSIP/nobody", app="cc", channel_id=channel_id)
        with pytest.raises(AriRefused):
            await ari.channels.hangup("once", reason="no such reason")
        await ari.channels.originate(
            endpoint="Local/ring@trial", context="trial", extension="talk", channel_id="ringing"
        )
        await ari.bridges.create("b")
        with pytest.raises(AriUnprocessable):
            await ari.bridges.add_channel("b", "ringing")
        await ari.channels.hangup("ringing")
        with pytest.raises(AriNotFound):
            await ari.bridges.add_channel("gone", "once")
        with pytest.raises(AriNotFound):
            await ari.channels.get("../asterisk/info")
        with pytest.raises(AriUnprocessable):
            await ari.applications.subscribe("cc", "channel:gone")


async def test_subscriptions_endpoints_and_device_states(pbx: LinksPbx, ari: Ari) -> None:
    sink = Sink()
    async with linked(pbx, sink):
        await sink.up()
        await talking(ari, sink, "sub-1")
        assert "cc" in {listed["name"] for listed in await ari.applications.list()}
        application = await ari.applications.subscribe("cc", ["channel:sub-1", "deviceState:Stasis:desk"])
        assert "sub-1" in application["channel_ids"]
        await ari.device_states.update("Stasis:desk", "INUSE")
        assert (await sink.event("DeviceStateChanged"))["device_state"]["state"] == "INUSE"
        assert (await ari.device_states.get("Stasis:desk"))["state"] == "INUSE"
        assert await ari.device_states.list()
        await ari.device_states.delete("Stasis:desk")
        await ari.applications.unsubscribe("cc", "channel:sub-1")
        assert (await ari.applications.get("cc"))["name"] == "cc"
        assert await ari.endpoints.list() == []
        assert await ari.endpoints.list("PJSIP") == []
        with pytest.raises(AriNotFound):
            await ari.endpoints.get("PJSIP", "nobody")
        await ari.events.user_event("Hello", application="cc", variables={"from": "é"})
        assert (await sink.event("ChannelUserevent"))["userevent"] == {"eventname": "Hello", "from": "é"}
        assert (await ari.asterisk.info(only=["system"])).keys() == {"system"}
        await ari.asterisk.set_variable("TRIAL", "1")
        assert await ari.asterisk.get_variable("TRIAL") == "1"
