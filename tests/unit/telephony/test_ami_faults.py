"""An AMI link that is half open, slow or fed garbage, and what it makes of answers."""

import asyncio
from typing import Any

import pytest
from ccserver.domain.errors import Invalid, Unavailable
from ccserver.ports import AmiEvent
from ccserver.telephony.ami import AmiTiming
from ccserver.telephony.errors import AmiError
from prometheus_client import REGISTRY

from tests.rig.wait import until
from tests.unit.telephony.ami_rig import QUICK, link_to, running
from tests.unit.telephony.fake_ami import Block, FakeConnection, fake_ami
from tests.unit.telephony.sinks import Sink

# Half-open, slow, garbage


async def test_a_silent_link_is_found_by_its_ping() -> None:
    async def mute(_connection: FakeConnection, block: Block) -> bool:
        return block["Action"] != "Login"

    sink = Sink()
    async with fake_ami() as fake, running(fake, sink, QUICK):
        fake.script = mute
        assert (await sink.down()).reason == "no answer to ping"
        fake.script = None
        await sink.up()


async def test_a_ping_waits_behind_a_reload_that_takes_its_time() -> None:
    held: list[tuple[FakeConnection, Block]] = []

    async def one_after_another(connection: FakeConnection, block: Block) -> bool:
        if block["Action"] == "Reload" or held:
            held.append((connection, block))
        return bool(held)

    sink = Sink()
    timing = AmiTiming(ping_interval=0.05, ping_deadline=0.5)
    async with fake_ami() as fake, running(fake, sink, timing) as link:
        fake.script = one_after_another
        reload = asyncio.create_task(link.action("Reload", Module="res_pjsip.so"))
        await until(lambda: [block["Action"] for _, block in held] == ["Reload", "Ping"], "a ping waits", 30)
        await asyncio.sleep(3 * timing.ping_deadline)  # what is tried: more than a ping waits otherwise
        fake.script = None
        for connection, block in held:
            connection.answer(block, "Message: Module Reloaded")
        assert (await reload)["Message"] == "Module Reloaded"
        assert link.up and "falls" not in link.counters.noted


async def test_a_link_that_dies_in_a_reload_is_found_when_that_should_be_over() -> None:
    async def mute(_connection: FakeConnection, block: Block) -> bool:
        return block["Action"] != "Login"

    sink = Sink()
    timing = AmiTiming(ping_interval=0.05, ping_deadline=0.2, action=0.6)
    async with fake_ami() as fake, running(fake, sink, timing) as link:
        fake.script = mute
        with pytest.raises(Unavailable):
            await link.action("Reload", Module="res_pjsip.so")
        assert (await sink.down()).reason == "no answer to ping"


async def test_the_default_timing_finds_a_silent_link_within_ten_seconds() -> None:
    timing = AmiTiming()
    assert timing.ping_interval + 2 * timing.ping_deadline <= 9


async def test_garbage_is_counted_and_skipped() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink) as link:
        fake.last.raw(b"\xff\xfe\x00 nonsense\r\n\r\n")
        fake.last.raw(b"NoColon\r\nEither\r\n\r\n")
        fake.last.raw(b"Key: value without event\r\n\r\n")
        fake.last.raw(
            b"\r\n\r\n\r\n\r\nEvent: Good\r\nName: caf\xe9\r\nNoValue\r\nEmpty:\r\nA: 1\r\nA: 2\r\n\r\n"
        )
        event = await sink.event("Good")
        assert event == {"Event": "Good", "Name": "caf�", "Empty": "", "A": "1\n2"}
        assert link.counters.noted["malformed_messages"] == 3
        assert link.up


async def test_a_message_without_end_resets_the_link() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink):
        fake.last.raw(b"Event: Long\r\nX: " + b"x" * 5_000_000)
        assert "without end" in (await sink.down()).reason
        await sink.up()


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2\r\n", b"Asterisk Call Manager" + b"x" * 5000, b"\x00\xff"]
)
async def test_something_that_is_no_manager_is_left(greeting: bytes) -> None:
    async with fake_ami() as fake:
        fake.greeting = greeting
        sink = Sink()
        link = link_to(fake, sink)
        await link.start()
        assert "does not greet" in (await sink.down()).reason
        await link.close()


async def test_a_failing_sink_costs_neither_the_link_nor_the_next_event() -> None:
    seen = Sink()

    def sink(item: Any) -> None:
        seen(item)
        if isinstance(item, AmiEvent) and item.headers["Event"] == "Bad":
            raise RuntimeError("a fault of ours")

    async with fake_ami() as fake:
        link = link_to(fake, sink)
        await link.start()
        await seen.up()
        fake.last.send("Event: Bad")
        fake.last.send("Event: Good")
        await seen.event("Good")
        assert link.counters.noted["sink_errors"] == 1
        assert link.up
        await link.close()


async def test_what_a_link_went_through_is_among_the_metrics() -> None:
    def told(kind: str) -> float | None:
        labels = {"link": "of this test", "kind": kind}
        return REGISTRY.get_sample_value("ccserver_link_incidents_total", labels)

    sink = Sink()
    async with fake_ami() as fake:
        link = link_to(fake, sink, name="of this test")
        await link.start()
        await sink.up()
        assert (told("connections"), told("falls")) == (1.0, None)
        fake.last.writer.transport.abort()
        await sink.down()
        assert told("falls") == 1.0
        await link.close()


async def test_unwanted_events_are_not_parsed_but_answers_are() -> None:
    async def script(connection: FakeConnection, block: Block) -> bool:
        if block["Action"] != "Status":
            return False
        action_id = f"ActionID: {block['ActionID']}"
        connection.answer(block, "EventList: start")
        connection.send("Event: VarSet", action_id, "Variable: listed")
        connection.send("Event: StatusComplete", action_id, "EventList: Complete", "ListItems: 1")
        return True

    sink = Sink()
    async with fake_ami() as fake, running(fake, sink, wanted=frozenset({"Hangup"})) as link:
        fake.script = script
        fake.last.send("Event: VarSet", "Variable: X")
        fake.last.send("Event: Hangup", "Cause: 16")
        assert [dict(i) for i in await link.action_list("Status")] == [
            {"Event": "VarSet", "ActionID": fake.last_named("Status")["ActionID"], "Variable": "listed"}
        ]
        assert [i.headers["Event"] for i in sink.items if isinstance(i, AmiEvent)] == ["Hangup"]
        assert link.counters.unwanted_events == 1


# Answers


async def answer_with(*lines: str, action: str = "PJSIPShowContacts") -> list[Any]:
    async def script(connection: FakeConnection, block: Block) -> bool:
        if block["Action"] != action:
            return False
        connection.send(*lines, f"ActionID: {block['ActionID']}")
        return True

    async with fake_ami() as fake, running(fake, Sink()) as link:
        fake.script = script
        return await link.action_list(action)


async def test_no_contacts_found_is_an_empty_list() -> None:
    assert await answer_with("Response: Error", "Message: No Contacts found") == []


async def test_a_refused_list_is_an_error() -> None:
    with pytest.raises(AmiError, match="Permission denied"):
        await answer_with("Response: Error", "Message: Permission denied")


async def test_only_pjsip_lists_may_be_empty_by_error() -> None:
    with pytest.raises(AmiError, match="No such queue found"):
        await answer_with("Response: Error", "Message: No such queue found", action="QueueStatus")


async def test_an_originate_that_would_block_the_connection_is_refused() -> None:
    async with fake_ami() as fake, running(fake, Sink()) as link:
        with pytest.raises(Invalid):
            await link.action("Originate", Channel="PJSIP/a")
        assert fake.names() == ["Login"]


async def test_two_answers_in_the_wrong_order_find_their_actions() -> None:
    held: list[Block] = []

    async def script(connection: FakeConnection, block: Block) -> bool:
        if block["Action"] != "Getvar":
            return False
        held.append(block)
        if len(held) == 2:
            for late in reversed(held):
                connection.answer(late, f"Value: {late['Variable']}")
        return True

    async with fake_ami() as fake, running(fake, Sink()) as link:
        fake.script = script
        first, second = await asyncio.gather(
            link.action("Getvar", Variable="a"), link.action("Getvar", Variable="b")
        )
        assert (first["Value"], second["Value"]) == ("a", "b")


async def test_an_event_that_names_an_answered_action_is_an_event() -> None:
    sink = Sink()
    async with fake_ami() as fake, running(fake, sink) as link:
        await link.action("Originate", Channel="PJSIP/a", Async="true")
        action_id = fake.last_named("Originate")["ActionID"]
        fake.last.send("Event: OriginateResponse", f"ActionID: {action_id}", "Response: Failure", "Reason: 3")
        assert (await sink.event("OriginateResponse"))["ActionID"] == action_id


async def test_closing_twice_and_starting_again_is_fine() -> None:
    sink = Sink()
    async with fake_ami() as fake:
        link = link_to(fake, sink)
        await link.start()
        await sink.up()
        await link.close()
        await link.close()
        await link.start()
        await sink.up()
        await link.close()
        assert sink.links() == ["up", "down", "up", "down"]
