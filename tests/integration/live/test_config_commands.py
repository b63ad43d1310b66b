"""The owner's side: what it tells, what it does by itself, and what it does when asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from ccserver.background import Supervisor
from ccserver.domain.config import ConfigDiff
from ccserver.domain.errors import Conflict, NotFound
from ccserver.live.pbx_keeper import NOBODY
from ccserver.storage.config import CONFIG_LOCK
from ccserver.storage.leader import LeaderLock
from ccserver.telephony.pbx_store import PbxLock

from tests.rig.config_bench import ConfigBench
from tests.rig.config_keeper import Kept, keep
from tests.rig.wait import until

pytestmark = [pytest.mark.postgres, pytest.mark.asterisk, pytest.mark.timeout(300)]


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
    await until(lambda: bench.knows("1002"), "phone 1002")
    first = (await bench.rows("SELECT min(id) AS id FROM pbx_revisions"))[0]["id"]
    await until(lambda: automatic.state.changes == 0, "nothing pending")
    begun = await automatic.ask("config.rollback", revision=first, who="chief")
    await automatic.until_over(begun["id"])
    await until(lambda: automatic.state.held and automatic.state.changes == 1, "held")
    await bench.add_phone("1003")
    await automatic.until_changes(2)
    await automatic.until_looked()
    assert not await bench.knows("1003")
    begun = await automatic.ask("config.apply", fingerprint=automatic.state.fingerprint, who="chief")
    await automatic.until_over(begun["id"])
    await until(lambda: not automatic.state.held, "not held any more")
    assert await bench.knows("1003")
    with pytest.raises(NotFound):
        await automatic.ask("config.rollback", revision=10**6, who="chief")


def put(path: Path, text: str) -> None:
    """All of it at once: who looks sees what was there before, or this."""
    aside = path.with_suffix(".new")
    aside.write_text(text)
    aside.replace(path)


async def test_what_is_refused_is_not_tried_again_until_it_is_something_else(automatic: Kept) -> None:
    bench = automatic.bench
    mine = bench.etc / "pjsip.d" / "mine.conf"
    mine.parent.mkdir(exist_ok=True)
    # The keeper looks at the folder by itself, and at the database when it is told: so it meets both at once.
    await bench.add_phone("1002")
    put(mine, "[mine](nobody)\n")
    automatic.keeper.wake()
    await until(
        lambda: automatic.state.run is not None and automatic.state.run.result == "refused", "refused"
    )
    tries = len(await bench.history())
    await automatic.until_looked()
    assert len(await bench.history()) == tries
    put(mine, "[mine]\ntype = aor\n")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002")
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
    await until(lambda: bench.knows("1002"), "phone 1002")


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
    await until(lambda: manual.state.changes == 0, "noticed")
    assert manual.state.applied is not None and "@" in manual.state.applied.who
    assert manual.state.run is not None and manual.state.run.origin == "command"


async def test_where_several_organisations_share_it_only_a_super_admin_sees_it(manual: Kept) -> None:
    await manual.bench.execute(
        "INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, 'other', 'Other', now())", uuid4()
    )
    manual.keeper.wake()
    await until(lambda: manual.where[-1] == NOBODY, "told to nobody")
