"""What every bus must do. The same tests run on the memory bus and on a real Redis or Valkey server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

import pytest
from ccserver.domain.errors import Unavailable
from ccserver.ports import Bus, BusGap, BusMessage

from tests.rig.wait import until

DEADLINE = 40.0


async def take(subscription: AsyncIterator[BusMessage | BusGap], count: int) -> list[BusMessage | BusGap]:
    """The next ``count`` items, or a failure after the deadline."""
    items = []
    async with asyncio.timeout(DEADLINE):
        while len(items) < count:
            items.append(await anext(subscription))
    return items


async def payloads(subscription: AsyncIterator[BusMessage | BusGap], count: int) -> list[bytes]:
    items = await take(subscription, count)
    assert all(isinstance(i, BusMessage) for i in items), items
    return [i.payload for i in items]


class Rig(Protocol):
    """Two nodes on one bus, and a link that can be taken away from both."""

    one: Bus
    two: Bus

    async def cut(self) -> None: ...

    async def mend(self) -> None: ...


class BusContract:
    """Subclass it with a ``rig`` fixture; its buses hold 100 messages or 100 kB per subscription."""

    async def test_a_message_reaches_every_node_the_sender_too(self, rig: Rig):
        subs = [aiter(await bus.subscribe("a")) for bus in (rig.one, rig.two)]
        await rig.one.publish("a", b"\x00hello\xff")
        for sub in subs:
            assert await take(sub, 1) == [BusMessage("a", b"\x00hello\xff")]

    async def test_order_is_kept_over_channels(self, rig: Rig):
        sub = aiter(await rig.two.subscribe("a", "b"))
        for i in range(60):
            await rig.one.publish("ab"[i % 2], str(i).encode())
        assert await payloads(sub, 60) == [str(i).encode() for i in range(60)]

    async def test_other_channels_are_not_heard(self, rig: Rig):
        sub = aiter(await rig.two.subscribe("a"))
        await rig.two.subscribe("b")
        await rig.one.publish("b", b"other")
        await rig.one.publish("a", b"mine")
        assert await payloads(sub, 1) == [b"mine"]

    async def test_many_subscribe_at_once_and_none_misses(self, rig: Rig):
        subs = await asyncio.gather(*(rig.two.subscribe("a", f"c{i}") for i in range(20)))
        await rig.one.publish("a", b"x")
        for sub in subs:
            assert await payloads(aiter(sub), 1) == [b"x"]

    async def test_a_closed_subscription_ends(self, rig: Rig):
        sub = await rig.one.subscribe("a")
        reading = asyncio.ensure_future(anext(aiter(sub)))
        await asyncio.sleep(0)
        await sub.close()
        await sub.close()
        with pytest.raises(StopAsyncIteration):
            async with asyncio.timeout(DEADLINE):
                await reading
        again = aiter(await rig.one.subscribe("a"))
        await rig.one.publish("a", b"still works")
        assert await payloads(again, 1) == [b"still works"]

    async def test_a_slow_reader_loses_the_old_and_is_told(self, rig: Rig):
        slow, quick = [aiter(await rig.two.subscribe("a")) for _ in range(2)]
        for i in range(150):
            await rig.one.publish("a", str(i).encode())
            assert await payloads(quick, 1) == [str(i).encode()]
        first, *rest = await take(slow, 51)
        assert isinstance(first, BusGap)
        assert [m.payload for m in rest] == [str(i).encode() for i in range(100, 150)]

    async def test_the_queue_is_bounded_in_bytes_too(self, rig: Rig):
        slow, quick = [aiter(await rig.two.subscribe("a")) for _ in range(2)]
        for size in (60_000, 60_000, 300_000):
            await rig.one.publish("a", b"x" * size)
            await payloads(quick, 1)
        first, last = await take(slow, 2)
        assert isinstance(first, BusGap)
        assert len(last.payload) == 300_000

    async def test_down_is_said_at_once_and_a_gap_follows_the_return(self, rig: Rig):
        early = aiter(await rig.two.subscribe("a"))
        assert rig.one.up and rig.two.up
        was = rig.two.since
        await rig.cut()
        await until(lambda: not rig.one.up and not rig.two.up, "both are down")
        assert rig.two.since >= was
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(Unavailable):
                await rig.one.publish("a", b"lost")
            late = aiter(await rig.two.subscribe("a"))
        assert isinstance((await take(late, 1))[0], BusGap)
        await rig.mend()
        await until(lambda: rig.one.up and rig.two.up, "both are up")
        await rig.one.publish("a", b"back")
        assert isinstance((await take(early, 1))[0], BusGap)
        assert await payloads(early, 1) == [b"back"]
        (item,) = await take(late, 1)
        if isinstance(item, BusGap):  # a second gap may be told for the same outage
            (item,) = await take(late, 1)
        assert item == BusMessage("a", b"back")

    async def test_a_gap_is_told_for_every_outage(self, rig: Rig):
        sub = aiter(await rig.two.subscribe("a"))
        for _ in range(2):
            await rig.cut()
            await until(lambda: not rig.one.up and not rig.two.up, "both are down")
            await rig.mend()
            await until(lambda: rig.one.up and rig.two.up, "both are up")
            assert isinstance((await take(sub, 1))[0], BusGap)

    async def test_closing_ends_readers_and_refuses_publishers(self, rig: Rig):
        sub = aiter(await rig.one.subscribe("a"))
        await rig.one.close()
        async with asyncio.timeout(DEADLINE):
            assert [item async for item in sub] == []
        with pytest.raises(Unavailable):
            await rig.one.publish("a", b"x")
