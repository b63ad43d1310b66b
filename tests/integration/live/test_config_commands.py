"""The owner's side: what it tells, what it does by itself, and what it does when asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from ccserver.background import Supervisor
from ccserver.domain.config import ConfigDiff, ConfigState
from ccserver.domain.errors import Conflict, NotFound
from ccserver.domain.stream import Command
from ccserver.live.pbx_apply import PbxApply
from ccserver.live.pbx_keeper import NOBODY, PbxKeeper
from ccserver.stack.asterisk_root import default_cache
from ccserver.stack.rehearsal import LocalStarter
from ccserver.storage.config import CONFIG_LOCK
from ccserver.storage.leader import LeaderLock
from ccserver.telephony.pbx_store import PbxLock

from tests.rig.config_bench import ConfigBench
from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk]


@dataclass
class Kept:
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
        await until(lambda: self.state.changes == number, f"{number} changes", 20)

    async def until_looked(self) -> None:
        """It has looked at least once from beginning to end since now."""
        for _ in range(2):  # The first may have begun before.
            seen = self.looks
            self.keeper.wake()
            await until(lambda seen=seen: self.looks > seen, "another look", 20)  # type: ignore[misc]

    async def until_over(self, run_id: str) -> None:
        def over() -> bool:
            run = self.state.run
            return run is not None and run.id == run_id and run.ended_at is not None

        await until(over, f"run {run_id} over: {self.state.run}", 30)


async def keep(bench: ConfigBench, supervisor: Supervisor, mode: str) -> Kept:
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
        starter=LocalStarter(default_cache()),
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
    await until(lambda: keeper.state.configured, "the keeper's first look", 20)
    return kept


@pytest.fixture
async def manual(bench: ConfigBench, supervisor: Supervisor) -> AsyncIterator[Kept]:
    yield await keep(bench, supervisor, "manual")
    await supervisor.stop("keeper")


@pytest.fixture
async def automatic(bench: ConfigBench, supervisor: Supervisor) -> AsyncIterator[Kept]:
    yield await keep(bench, supervisor, "automatic")
    await supervisor.stop("keeper")


async def test_by_hand_changes_are_counted_shown_and_applied_as_seen(manual: Kept) -> None:
    bench = manual.bench
    await manual.until_changes(0)
    assert manual.where[-1] == bench.tenant
    await bench.add_phone("1002")
    await bench.add_phone("1003")
    await manual.until_changes(2)
    assert not await bench.knows("1002")
    answer = await manual.ask("config.diff")
    shown = msgspec.json.decode(answer["diff"], type=ConfigDiff)
    assert [change.name for change in shown.changes] == ["1002", "1003"]
    assert shown.fingerprint == manual.state.fingerprint
    with pytest.raises(Conflict, match="config_changed"):
        await manual.ask("config.apply", fingerprint="another", who="chief")
    begun = await manual.ask("config.apply", fingerprint=shown.fingerprint, who="chief")
    with pytest.raises(Conflict, match="config_busy"):
        await manual.ask("config.check", who="deputy")
    await manual.until_over(begun["id"])
    assert manual.state.run is not None and manual.state.run.result == "applied"
    await manual.until_changes(0)
    assert manual.state.applied is not None and manual.state.applied.who == "chief"
    assert await bench.knows("1003")


async def test_a_check_touches_nothing(manual: Kept) -> None:
    await manual.bench.add_phone("1002")
    await manual.until_changes(1)
    begun = await manual.ask("config.check", who="chief")
    await manual.until_over(begun["id"])
    assert manual.state.run is not None and manual.state.run.result == "checked"
    assert manual.state.changes == 1
    assert not await manual.bench.knows("1002")


async def test_after_a_person_went_back_automatic_mode_waits(automatic: Kept) -> None:
    bench = automatic.bench
    await bench.add_phone("1002")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002", 20)
    first = (await bench.rows("SELECT min(id) AS id FROM pbx_revisions"))[0]["id"]
    await until(lambda: automatic.state.changes == 0, "nothing pending", 20)
    begun = await automatic.ask("config.rollback", revision=first, who="chief")
    await automatic.until_over(begun["id"])
    await until(lambda: automatic.state.held and automatic.state.changes == 1, "held", 20)
    await bench.add_phone("1003")
    await automatic.until_changes(2)
    assert not await bench.knows("1003")
    begun = await automatic.ask("config.apply", fingerprint=automatic.state.fingerprint, who="chief")
    await automatic.until_over(begun["id"])
    await until(lambda: not automatic.state.held, "not held any more", 20)
    assert await bench.knows("1003")
    with pytest.raises(NotFound):
        await automatic.ask("config.rollback", revision=10**6, who="chief")


async def test_what_is_refused_is_not_tried_again_until_it_is_something_else(automatic: Kept) -> None:
    bench = automatic.bench
    mine = bench.etc / "pjsip.d" / "mine.conf"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("[mine](nobody)\n")
    await bench.add_phone("1002")
    automatic.keeper.wake()
    await until(
        lambda: automatic.state.run is not None and automatic.state.run.result == "refused", "refused", 20
    )
    tries = len(await bench.history())
    await automatic.until_looked()
    assert len(await bench.history()) == tries
    mine.write_text("[mine]\ntype = aor\n")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002", 20)
    assert "mine" in await bench.asterisk.rx("pjsip show aors")


async def test_a_change_waits_for_who_is_at_it_and_is_not_forgotten(automatic: Kept) -> None:
    bench = automatic.bench
    lock = PbxLock(bench.engine().store, "deputy", "command")
    await asyncio.to_thread(lock.acquire)
    await bench.add_phone("1002")
    await automatic.until_changes(1)
    await automatic.until_looked()
    assert not await bench.knows("1002")
    await asyncio.to_thread(lock.release)
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002", 20)


async def test_who_asked_is_told_when_it_never_begins(manual: Kept) -> None:
    elsewhere = LeaderLock(manual.bench.database, CONFIG_LOCK)
    assert await elsewhere.try_acquire()
    try:
        begun = await manual.ask("config.check", who="chief")
        await manual.until_over(begun["id"])
        run = manual.state.run
        assert run is not None and (run.result, run.action, run.who) == ("refused", "check", "chief")
        assert "is at it" in run.message
    finally:
        await elsewhere.release()


async def test_the_command_lines_run_is_shown_too(manual: Kept) -> None:
    bench = manual.bench
    await bench.add_phone("1002")
    await manual.until_changes(1)
    code, said = await bench.run("apply")
    assert code == 0, said
    await until(lambda: manual.state.changes == 0, "noticed", 20)
    assert manual.state.applied is not None and "@" in manual.state.applied.who
    assert manual.state.run is not None and manual.state.run.origin == "command"


async def test_where_several_organisations_share_it_only_a_super_admin_sees_it(manual: Kept) -> None:
    await manual.bench.execute(
        "INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'other', 'Other', now())", uuid4()
    )
    manual.keeper.wake()
    await until(lambda: manual.where[-1] == NOBODY, "told to nobody", 20)
