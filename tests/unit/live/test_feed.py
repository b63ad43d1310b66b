"""The feed: order, gaps, owners that replace each other, blindness; on the memory bus with clocks in hand."""

import math
import random

import msgspec
import pytest
from ccserver.background import Supervisor
from ccserver.bus.memory import MemoryBus
from ccserver.domain.stream import (
    BLIND_AFTER_SECONDS,
    OWNER_CHANNEL,
    RELOAD_KEY,
    OwnerMessage,
    SnapshotWanted,
)
from ccserver.live.feed import ASK_AGAIN_SECONDS, LiveFeed
from ccserver.live.view import LiveView
from ccserver.ports import BusGap, BusMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rig.owner import FakeOwner, change
from tests.rig.wait import until


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A feed driven by hand: messages are pumped from the bus, so each step is seen."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = MemoryBus(clock=self.clock)
        self.view = LiveView("node-epoch")
        self.feed = LiveFeed(
            self.bus, self.view, Supervisor(), node="n1", clock=self.clock, monotonic=self.clock
        )
        self.wanted = 0

    async def begin(self, owner: FakeOwner) -> None:
        self.subscription = await self.bus.subscribe(OWNER_CHANNEL, "changes")
        self.view.set_blind(self.clock())
        self.feed.take(BusGap("start"))
        await self.pump(owner)

    async def pump(self, owner: FakeOwner | None) -> None:
        """Deliver all that waits; the owner answers requests; ask for a snapshot as the watch does."""
        for _ in range(10):
            while self.subscription._items:
                item = await anext(self.subscription)
                if isinstance(item, BusMessage) and item.channel == OWNER_CHANNEL:
                    try:
                        message = msgspec.json.decode(item.payload, type=OwnerMessage)
                    except msgspec.DecodeError:
                        message = None
                    if isinstance(message, SnapshotWanted):
                        self.wanted += 1
                        if owner:
                            await owner.snapshot()
                        continue
                self.feed.take(item)
            self.feed.check()
            await self.feed.ask_snapshot()
            if not self.subscription._items:
                return

    def agents(self) -> dict[str, bytes]:
        return {c.key: bytes(c.row) for c, _ in self.view.rows("agents")}

    def same_as(self, owner: FakeOwner) -> bool:
        return self.agents() == {key: bytes(c.row) for (_, key), c in owner.rows.items()}


@pytest.fixture
async def bench():
    return Bench()


async def test_the_first_snapshot_opens_the_eyes(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await owner.put(change("agents", "a", {"v": 1}))
    await bench.begin(None)
    assert bench.view.blind_since == 1_000.0 and bench.agents() == {}
    bench.clock.now += ASK_AGAIN_SECONDS
    await bench.pump(owner)
    assert bench.view.blind_since is None and bench.same_as(owner)


async def test_batches_in_order_need_no_snapshot(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    for i in range(10):
        await owner.put(change("agents", str(i % 3), {"v": i}))
        await owner.beat()
    await bench.pump(owner)
    assert bench.same_as(owner) and owner.snapshots_sent == 1


async def test_a_lost_batch_is_noticed_by_the_next_and_healed(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    await owner.put(change("agents", "a", {"v": 1}), change("agents", "b", {"v": 1}))
    await owner.put(change("agents", "b"), lose=True)
    await owner.put(change("agents", "c", {"v": 3}))
    bench.clock.now += ASK_AGAIN_SECONDS
    await bench.pump(owner)
    assert bench.same_as(owner) and set(bench.agents()) == {"a", "c"}


async def test_a_lost_batch_is_noticed_by_the_heartbeat(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    await owner.put(change("agents", "a", {"v": 1}), lose=True)
    bench.clock.now += ASK_AGAIN_SECONDS
    await owner.beat()
    await bench.pump(owner)
    assert bench.same_as(owner)


async def test_batches_that_overtake_the_snapshot_are_applied_after_it(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    bench.feed.take(BusGap("test"))
    await owner.put(change("agents", "a", {"v": 1}))
    await bench.pump(None)
    rows, seq = dict(owner.rows), owner.seq
    await owner.put(change("agents", "a", {"v": 2}))
    after = dict(owner.rows), owner.seq
    owner.rows, owner.seq = rows, seq
    await owner.snapshot()  # of the state before the batch that is on the bus already
    owner.rows, owner.seq = after
    await bench.pump(owner)
    assert bench.feed.synced and bench.same_as(owner)


async def test_a_new_owner_replaces_the_rows_of_the_old(bench: Bench):
    old, new = FakeOwner(bench.bus, clock=bench.clock), FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(old)
    await old.put(change("agents", "a", {"v": 1}))
    await new.put(change("agents", "b", {"v": 1}))
    bench.clock.now += ASK_AGAIN_SECONDS
    await bench.pump(new)
    assert bench.feed.owner_epoch == new.epoch and bench.same_as(new)


async def test_a_replaced_owner_that_talks_on_is_not_believed(bench: Bench):
    old, new = FakeOwner(bench.bus, clock=bench.clock), FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(old)
    await new.put(change("agents", "b", {"v": 1}))
    await old.put(change("agents", "a", {"v": 1}))
    await old.snapshot()
    bench.clock.now += ASK_AGAIN_SECONDS
    await bench.pump(new)
    await old.put(change("agents", "a", {"v": 2}))
    await old.snapshot()
    await bench.pump(new)
    assert bench.same_as(new)


async def test_when_the_new_owner_dies_the_old_one_is_believed_again(bench: Bench):
    old, new = FakeOwner(bench.bus, clock=bench.clock), FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(new)
    await old.put(change("agents", "a", {"v": 1}))
    await bench.pump(old)
    assert bench.feed.owner_epoch == new.epoch
    bench.clock.now += BLIND_AFTER_SECONDS + 1
    await old.beat()
    await bench.pump(old)
    assert bench.feed.owner_epoch == old.epoch and bench.same_as(old)


async def test_silence_is_blindness_since_the_last_word(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    bench.clock.now += BLIND_AFTER_SECONDS
    bench.feed.check()
    assert bench.view.blind_since is None
    bench.clock.now += 0.1
    bench.feed.check()
    assert bench.view.blind_since == 1_000.0
    await owner.beat()
    await bench.pump(owner)
    assert bench.view.blind_since is None


async def test_a_bus_that_is_down_is_blindness_at_once(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    bench.bus.cut()
    bench.feed.check()
    assert bench.view.blind_since == 1_000.0
    await owner.put(change("agents", "a", {"v": 1}))
    bench.clock.now += BLIND_AFTER_SECONDS + 1
    bench.bus.mend()
    bench.feed.check()
    assert bench.view.blind_since == 1_000.0, "back, and not yet in sync"
    await bench.pump(owner)
    assert bench.view.blind_since is None and bench.same_as(owner)


async def test_a_short_outage_too_is_blindness_until_the_rows_are_right(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    bench.bus.cut()
    bench.feed.check()
    bench.clock.now += ASK_AGAIN_SECONDS
    bench.bus.mend()
    for _ in range(2):  # before and after the gap, which waits in the queue, is taken
        bench.feed.check()
        assert bench.view.blind_since == 1_000.0
        assert bench.feed.unbroken_since() in (math.inf, bench.clock.now)
        bench.feed.take(BusGap("bus was down"))
    await bench.pump(owner)
    assert bench.view.blind_since is None


async def test_after_a_gap_pages_are_told_to_read_again_what_is_only_announced(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    begin = bench.view.seq
    assert not list(bench.view.since(0)), "nothing was missed by the first snapshot"
    bench.bus.cut()
    bench.clock.now += ASK_AGAIN_SECONDS
    bench.bus.mend()
    await bench.pump(owner)
    told = {(e.change.topic, e.change.key, e.change.deleted) for e in bench.view.since(begin)}
    assert told == {(topic, RELOAD_KEY, True) for topic in ("history", "users", "sites", "phones")}


async def test_what_blinds_the_owner_blinds_the_node(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    owner.blind_since = 990.0
    await owner.beat()
    await bench.pump(owner)
    assert bench.view.blind_since == 990.0
    bench.clock.now += BLIND_AFTER_SECONDS + 1
    bench.feed.check()
    assert bench.view.blind_since == 990.0
    owner.blind_since = None
    await owner.beat()
    await bench.pump(owner)
    assert bench.view.blind_since is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type":"batch"}',
        b'{"type":"what"}',
        b"\xff\xfe",
        b'{"type":"batch","seq":"x"}',
    ],
)
@pytest.mark.parametrize("channel", [OWNER_CHANNEL, "changes", "other"])
async def test_garbage_is_skipped(bench: Bench, channel: str, payload: bytes):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    bench.feed.take(BusMessage(channel, payload))
    await owner.put(change("agents", "a", {"v": 1}))
    await bench.pump(owner)
    assert bench.same_as(owner) and owner.snapshots_sent == 1


async def test_snapshots_are_not_asked_for_in_a_storm(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(None)
    for _ in range(50):
        await owner.put(change("agents", "a", {"v": 1}))
        await bench.pump(None)
    assert bench.wanted == 1
    bench.clock.now += ASK_AGAIN_SECONDS
    await bench.pump(None)
    assert bench.wanted == 2


async def test_an_announcement_reaches_other_nodes_or_at_least_this_one(bench: Bench):
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner)
    was = bench.view.seq
    await bench.feed.announce(change("users", "u", {"login": "x"}))
    assert bench.view.seq == was, "it comes back over the bus, in one order for all"
    await bench.pump(owner)
    assert bench.view.seq == was + 1
    bench.bus.cut()
    await bench.feed.announce(change("users", "u", {"login": "y"}))
    assert bench.view.seq == was + 2


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
async def test_whatever_is_lost_the_rows_become_right(rnd: random.Random):
    bench = Bench()
    owner = FakeOwner(bench.bus, clock=bench.clock)
    await bench.begin(owner if rnd.random() < 0.5 else None)
    for _ in range(rnd.randrange(40)):
        bench.clock.now += rnd.choice([0, 0.1, 1.0])
        what = rnd.random()
        if what < 0.6:
            keys = [rnd.choice("abcd") for _ in range(rnd.randrange(1, 4))]
            await owner.put(
                *(change("agents", k, rnd.choice([None, {"v": rnd.random()}])) for k in keys),
                lose=rnd.random() < 0.2,
            )
        elif what < 0.7:
            await owner.beat()
        elif what < 0.8:
            bench.bus.cut() if rnd.random() < 0.5 else bench.bus.mend()
        elif what < 0.85:
            owner = FakeOwner(bench.bus, clock=bench.clock)
        else:
            await bench.pump(owner if rnd.random() < 0.7 else None)
    bench.bus.mend()
    for _ in range(3):
        bench.clock.now += BLIND_AFTER_SECONDS + 1
        await owner.beat()
        await bench.pump(owner)
    assert bench.feed.synced and bench.same_as(owner) and bench.view.blind_since is None


async def test_running_by_itself():
    bus, supervisor = MemoryBus(), Supervisor()
    owner = FakeOwner(bus)
    view = LiveView("e")
    feed = LiveFeed(bus, view, supervisor, node="n")
    await feed.start()
    assert view.blind_since is not None
    await owner.serve()
    await owner.put(change("agents", "a", {"v": 1}))
    await until(
        lambda: view.blind_since is None and view.row("agents", "a") is not None, "the view sees the row"
    )
    bus.cut()
    await until(lambda: view.blind_since is not None, "the view is blind")
    bus.mend()
    await until(lambda: view.blind_since is None, "the view sees again")
    await owner.stop()
    await feed.close()
    await supervisor.close()
