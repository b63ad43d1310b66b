"""Since when a node cannot have missed an announcement: what is decided without the database stands on it."""

from math import inf

from ccserver.background import Supervisor
from ccserver.bus.memory import MemoryBus
from ccserver.live.feed import LiveFeed
from ccserver.live.view import LiveView
from ccserver.ports import BusGap

from tests.rig.wait import until


async def test_it_begins_with_the_subscription_and_anew_with_each_gap() -> None:
    now = 100.0
    bus, supervisor = MemoryBus(), Supervisor()
    feed = LiveFeed(bus, LiveView("e"), supervisor, node="n", monotonic=lambda: now)
    assert feed.unbroken_since() == inf, "nothing has been heard yet"
    await bus.start()
    await feed.start()
    await until(lambda: feed.unbroken_since() == 100.0, "the feed listens")
    now = 200.0
    feed.take(BusGap("the link was down"))
    assert feed.unbroken_since() == 200.0
    await feed.close()
    await supervisor.close()
    await bus.close()
    assert feed.unbroken_since() == inf, "nothing can be heard now"
