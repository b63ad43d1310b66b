"""The memory bus keeps the bus contract."""

from dataclasses import dataclass

import pytest
from ccserver.bus.memory import MemoryBus

from tests.rig.bus_contract import BusContract


@dataclass
class MemoryRig:
    one: MemoryBus
    two: MemoryBus

    async def cut(self) -> None:
        self.one.cut()

    async def mend(self) -> None:
        self.one.mend()


class TestMemoryBus(BusContract):
    @pytest.fixture
    async def rig(self):
        bus = MemoryBus(max_messages=100, max_bytes=100_000)
        yield MemoryRig(bus, bus)
        await bus.close()
