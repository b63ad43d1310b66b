"""The owner's keeper of Asterisk's configuration at work on a ``ConfigBench``."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import msgspec
from ccserver.background import Supervisor
from ccserver.domain.config import ConfigState
from ccserver.domain.stream import Command
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_keeper import PbxKeeper
from ccserver.ports import AsteriskStarter
from ccserver.stack.asterisk_root import default_cache
from ccserver.stack.rehearsal import LocalStarter

from tests.rig.config_bench import ConfigBench
from tests.rig.wait import until


@dataclass
class Kept:
    """What the keeper tells, and what it can be asked."""

    bench: ConfigBench
    keeper: PbxKeeper
    where: list[UUID | None]
    looks: int = 0

    @property
    def state(self) -> ConfigState:
        return self.keeper.state

    async def ask(self, name: str, **body: Any) -> dict[str, Any]:
        command = Command(
            id="1", node="n", name=name, actor=uuid4(), tenant_id=self.bench.tenant, deadline=2e9, body=body
        )
        return await self.keeper.handle(command)

    async def until_changes(self, number: int) -> None:
        self.keeper.wake()
        await until(lambda: self.state.changes == number, f"{number} changes")

    async def until_looked(self) -> None:
        """It has looked at least once from beginning to end since now."""
        for _ in range(2):  # The first may have begun before.
            seen = self.looks
            self.keeper.wake()
            await until(lambda seen=seen: self.looks > seen, "another look")  # type: ignore[misc]

    async def until_over(self, run_id: str) -> None:
        def over() -> bool:
            run = self.state.run
            return run is not None and run.id == run_id and run.ended_at is not None

        await until(over, lambda: f"run {run_id} over: {self.state.run}")


async def keep(
    bench: ConfigBench, supervisor: Supervisor, mode: str, starter: AsteriskStarter | None = None
) -> Kept:
    """Runs under ``supervisor`` as "keeper", from its first look on."""
    where: list[UUID | None] = []

    def publish(
        topic: str, key: str, row: msgspec.Raw, place: tuple[UUID | None, UUID | None, UUID | None]
    ) -> None:
        assert (topic, key) == ("config", "state")
        assert "secret-of" not in bytes(row).decode()
        where.append(place[0])

    keeper = PbxKeeper(
        replace(bench.settings, asterisk_apply=mode),
        bench.database,
        bench.ami,
        starter=starter or LocalStarter(default_cache()),
        publish=publish,
        supervisor=supervisor,
    )
    kept = Kept(bench, keeper, where)
    look = keeper._look

    async def counted(engine: PbxApply) -> None:
        try:
            await look(engine)
        finally:
            kept.looks += 1

    keeper._look = counted  # type: ignore[method-assign]
    supervisor.spawn("keeper", keeper.run)
    await until(lambda: keeper.state.configured, "the keeper's first look")
    return kept
