"""The Asterisk with one of everything, shared by the tests of this folder, and the other sides of its trunks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from ccserver.stack.asterisk_root import AsteriskBinary

from tests.integration.asterisk.full_central import complaints, full_central
from tests.rig.asterisk import Central, end_all_calls
from tests.rig.carrier import Carrier

CarrierFactory = Callable[..., Awaitable[Carrier]]


@pytest.fixture(scope="package")
def _full(asterisk_binary: AsteriskBinary) -> Iterator[Central]:
    with full_central(asterisk_binary) as central:
        assert complaints(central) == []
        yield central


@pytest.fixture
def asterisk(_full: Central) -> Iterator[Central]:
    """Without calls when a test gets it. What it knows of its trunks may be of an earlier test."""
    yield _full
    end_all_calls(_full)


@pytest.fixture
async def carrier(asterisk: Central) -> AsyncIterator[CarrierFactory]:
    """``await carrier("paris", status="500 Server Error")``: the other side of a trunk, known to be reachable."""
    made: list[Carrier] = []

    async def start(slug: str, status: str = "486 Busy Here", **options: object) -> Carrier:
        trunk = asterisk.model.trunk(slug)
        one = Carrier(trunk.host, trunk.port, status, **options)  # type: ignore[arg-type]
        await one.start()
        made.append(one)
        if trunk.qualify_seconds:
            await asterisk.reachable(f"trunk-{slug}")
        return one

    yield start
    for one in made:
        one.stop()
