"""A link to a scripted manager, for the tests of AMI."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ccserver.telephony.ami import AmiLink, AmiTiming
from ccserver.telephony.backoff import LinkBackoff

from tests.unit.telephony.fake_ami import Block, FakeAmi, FakeConnection
from tests.unit.telephony.sinks import Sink

QUICK = AmiTiming(ping_interval=0.05, ping_deadline=0.2)
CALM = AmiTiming(ping_interval=60)


def link_to(fake: FakeAmi, sink: Any, timing: AmiTiming = CALM, **more: Any) -> AmiLink:
    more.setdefault("backoff", LinkBackoff((0.01,), chance=lambda: 0.0))
    secret = more.pop("secret", "right")
    link = AmiLink("127.0.0.1", fake.port, "ccserver", secret, sink, time.time, timing=timing, **more)
    fake.links.append(link)
    return link


@asynccontextmanager
async def running(fake: FakeAmi, sink: Sink, timing: AmiTiming = CALM, **more: Any) -> AsyncIterator[AmiLink]:
    link = link_to(fake, sink, timing, **more)
    await link.start()
    try:
        await sink.up()
        yield link
    finally:
        await link.close()


async def swallow(_connection: FakeConnection, block: Block) -> bool:
    return block["Action"] not in ("Login", "Ping")
