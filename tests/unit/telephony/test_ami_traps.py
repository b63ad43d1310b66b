"""The eight traps of panoramisk 1.4, each shown to be closed."""

import asyncio
import time
from typing import Any

import pytest
from ccserver.domain.errors import Invalid, Unavailable
from ccserver.ports import AmiEvent, LinkDown, LinkUp
from ccserver.telephony.ami import AmiLink, AmiTiming
from ccserver.telephony.backoff import LinkBackoff

from tests.unit.telephony.ami_rig import CALM, link_to, running, swallow
from tests.unit.telephony.fake_ami import Block, FakeConnection, fake_ami
from tests.unit.telephony.sinks import Sink, nobody_there

# 1. An answer that only sounds like a list


async def test_added_interface_to_queue_is_one_answer() -> None:
    async def script(connection: FakeConnection, block: Block) -> bool:
        if block["Action"] != "QueueAdd":
            return False
        connection.answer(block, "Message: Added interface to queue")
        return True

    async with fake_ami() as fake, running(fake, Sink()) as link:
        fake.script = script
        answer = await link.action("QueueAdd", Queue="q", Interface="PJSIP/a")
        assert answer["Message"] == "Added interface to queue"


# 2. Unanswered actions


async def test_an_unanswered_action_ends_by_its_deadline() -> None:
    async with fake_ami() as fake, running(fake, Sink(), AmiTiming(ping_interval=60, action=0.05)) as link:
        fake.script = swallow
        with pytest.raises(Unavailable) as caught:
            await link.action("QueuePause", Interface="PJSIP/a")
        assert caught.value.params == {"part": "ami", "why": "deadline"}


async def test_a_lost_connection_fails_what_waits_and_never_sends_it_again() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink) as link:
        fake.script = swallow
        waiting = asyncio.create_task(link.action("Originate", Channel="PJSIP/a", Async="true"))
        while (await fake.arrivals.get())["Action"] != "Originate":
            pass
        fake.last.writer.transport.abort()
        with pytest.raises(Unavailable) as caught:
            await waiting
        assert caught.value.params["why"] == "connection_lost"
        await sink.down()
        await sink.up()
        fake.script = None
        # An answered action proves that everything before it on this connection has been seen by the fake.
        await link.action("CoreStatus")
        assert fake.names().count("Originate") == 1


async def test_a_late_answer_harms_nobody() -> None:
    held: list[Block] = []

    async def script(_connection: FakeConnection, block: Block) -> bool:
        if block["Action"] == "QueueStatus":
            held.append(block)
            return True
        return False

    sink = Sink()
    async with fake_ami() as fake, running(fake, sink, AmiTiming(ping_interval=60, action=0.05)) as link:
        fake.script = script
        with pytest.raises(Unavailable):
            await link.action_list("QueueStatus")
        link._timing = CALM  # the next action has all the time in the world
        async with asyncio.timeout(30):
            while (await fake.arrivals.get())["Action"] != "QueueStatus":
                pass
        action_id = f"ActionID: {held[0]['ActionID']}"
        fake.last.answer(held[0], "EventList: start")
        fake.last.send("Event: QueueMember", action_id, "Name: ghost")
        fake.last.send("Event: QueueStatusComplete", action_id, "EventList: Complete", "ListItems: 1")
        assert await link.action("CoreStatus")
        assert not [item for item in sink.items if isinstance(item, AmiEvent)]
        assert link.counters.noted["late_answers"] == 3


# 3. Header injection


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"Channel": "PJSIP/a\r\nAction: Command"}, "Channel"),
        ({"Channel": "PJSIP/a\nX: y"}, "Channel"),
        ({"CallerID": "a\x00b"}, "CallerID"),
        ({"CallerID": "a\x85b"}, "CallerID"),
        ({"CallerID": "a\u2028b"}, "CallerID"),
        ({"CallerID": "\udcff"}, "CallerID"),
        ({"Variable": ["A=1", "B=2\r\nC: 3"]}, "Variable"),
        ({"Chan\r\nX": "1"}, "header"),
        ({"A: b": "1"}, "header"),
        ({"": "1"}, "header"),
        ({"ActionID": "mine"}, "header"),
        ({"action": "Command"}, "header"),
        ({"Data": "é" * 511}, "Data"),
        ({"Variable": ["A=1"] * 121}, "header"),
    ],
)
async def test_what_would_not_arrive_as_one_header_is_refused(headers: dict[str, Any], field: str) -> None:
    async with fake_ami() as fake, running(fake, Sink()) as link:
        with pytest.raises(Invalid) as caught:
            await link.action("Setvar", **headers)
        assert caught.value.errors[0].field == field
        await link.action("CoreStatus")
        assert fake.names() == ["Login", "CoreStatus"]


async def test_an_action_name_cannot_carry_a_line_end() -> None:
    async with fake_ami() as fake, running(fake, Sink()) as link:
        with pytest.raises(Invalid):
            await link.action("Ping\r\nAction: Command")
        assert fake.names() == ["Login"]


def test_credentials_with_a_line_end_are_refused_at_once() -> None:
    with pytest.raises(Invalid):
        AmiLink("127.0.0.1", 1, "a\r\nb", "c", Sink.__call__, time.time)


async def test_a_repeated_header_is_sent_once_per_value() -> None:
    async with fake_ami() as fake, running(fake, Sink()) as link:
        await link.action("Setvar", Variable=["A=1", "B=é"])
        assert any(b"Variable: A=1\r\nVariable: B=\xc3\xa9\r\n" in raw for raw in fake.last.received)


# 4. A wrong secret


async def test_a_wrong_secret_is_told_and_not_tried_again_soon() -> None:
    async with fake_ami() as fake:
        sink = Sink()
        backoff = LinkBackoff((0.01, 3600.0))
        link = link_to(fake, sink, secret="wrong", backoff=backoff)
        await link.start()
        try:
            down = await sink.down()
            assert down.reason == "login refused: Authentication failed"
            assert backoff.failures >= 1  # the long delay is next, or has begun
            assert not link.up
            with pytest.raises(Unavailable):
                await link.action("CoreStatus")
            assert fake.names() == ["Login"]
        finally:
            await link.close()
        assert len(fake.connections) == 1
        assert "wrong" not in repr(sink.items)


async def test_the_login_answer_has_a_deadline() -> None:
    async def mute(_connection: FakeConnection, _block: Block) -> bool:
        return True

    async with fake_ami() as fake:
        fake.script = mute
        sink = Sink()
        link = link_to(fake, sink, AmiTiming(login=0.05))
        await link.start()
        assert (await sink.down()).reason == "no answer to the login"
        await link.close()


# 5. Order


async def test_events_arrive_in_the_order_of_the_stream() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink):
        for number in range(2000):
            fake.last.send("Event: Newexten" if number % 3 else "Event: Hangup", f"Number: {number}")
        fake.last.send("Event: Last")
        await sink.event("Last")
        numbers = [
            int(i.headers["Number"]) for i in sink.items if isinstance(i, AmiEvent) and "Number" in i.headers
        ]
        assert numbers == list(range(2000))


# 6. Characters split over packets


@pytest.mark.parametrize("cut", range(1, 60))
async def test_a_message_cut_anywhere_is_read_whole(cut: int) -> None:
    data = "Event: Newchannel\r\nCallerIDName: Zoé Œuf ☎\r\nLinkedid: 1.1\r\n\r\n".encode()
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink) as link:
        # Nothing else is on its way: the answer to a ping would land inside the message.
        await link.action("CoreStatus")
        fake.last.raw(data[:cut])
        await fake.last.writer.drain()
        await wait_for_bytes(link)
        fake.last.raw(data[cut:])
        event = await sink.event("Newchannel")
        assert event["CallerIDName"] == "Zoé Œuf ☎"
        assert link.counters.noted["malformed_messages"] == 0


async def wait_for_bytes(link: AmiLink) -> None:
    """Until the reader holds an unfinished message."""
    reader = link._reader
    assert reader is not None
    async with asyncio.timeout(30):
        while not reader._framer.pending_bytes:
            await asyncio.sleep(0)


# 7. Sending before the link is there


async def test_an_action_before_start_is_unavailable() -> None:
    async with fake_ami() as fake:
        link = link_to(fake, Sink())
        with pytest.raises(Unavailable) as caught:
            await link.action("CoreStatus")
        assert caught.value.params["why"] == "not_connected"


async def test_logged_in_is_not_yet_up_while_asterisk_boots() -> None:
    async with fake_ami() as fake:
        fake.boots = False
        sink = Sink()
        link = link_to(fake, sink)
        await link.start()
        try:
            while (await fake.arrivals.get())["Action"] != "Ping":
                pass
            with pytest.raises(Unavailable):
                await link.action("CoreStatus")
            fake.last.send("Event: Newchannel", "Uniqueid: early")
            fake.last.send("Event: FullyBooted", "Status: Fully Booted")
            fake.last.send("Event: Newchannel", "Uniqueid: first")
            assert isinstance(await sink.next(), LinkUp)
            assert (await sink.event("Newchannel"))["Uniqueid"] == "first"
            assert link.counters.noted["early_events"] == 1
        finally:
            await link.close()


async def test_never_booted_says_what_is_missing() -> None:
    async with fake_ami() as fake:
        fake.boots = False
        sink = Sink()
        link = link_to(fake, sink, AmiTiming(boot=0.02, ping_interval=0.03))
        await link.start()
        assert "FullyBooted" in (await sink.down()).reason
        await link.close()


# 8. Reconnecting by our own delays


async def test_delays_grow_and_start_again_after_a_stable_link() -> None:
    backoff = LinkBackoff(chance=lambda: 0.0)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    backoff.held(19.9)
    assert backoff.next() == 30
    backoff.held(20)
    assert backoff.next() == 1
    backoff.to_longest()
    assert backoff.next() == 30
    assert LinkBackoff(chance=lambda: 0.999).next() < 1.25


async def test_nobody_listens_then_somebody_does() -> None:
    sink = Sink()
    with nobody_there() as port:
        link = AmiLink(
            "127.0.0.1", port, "ccserver", "right", sink, time.time, timing=CALM, backoff=LinkBackoff((0.01,))
        )
        await link.start()
        assert (await sink.down()).reason.startswith("cannot connect")
        await link.close()
    # The same reason is told once, however many attempts were made.
    assert sink.links() == ["down", "down"]
    assert isinstance(sink.items[-1], LinkDown)
    assert sink.items[-1].reason == "closed"


async def test_down_and_up_alternate() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink) as link:
        for _ in range(3):
            fake.last.writer.transport.abort()
            await sink.up()
        assert sink.links() == ["up", "down", "up", "down", "up", "down", "up"]
        assert link.counters.noted["connections"] == 4
