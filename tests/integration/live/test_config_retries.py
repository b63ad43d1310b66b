"""Automatic mode with something in its way: tried again when that may pass, and when a hold is over."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ccserver.background import Supervisor
from ccserver.domain.config_words import cause, say
from ccserver.domain.errors import Conflict, Unavailable
from ccserver.live import pbx_trials
from ccserver.stack.asterisk_first import HOLD_ENDED, prepare
from ccserver.stack.asterisk_root import default_cache
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.rehearsal import LocalStarter
from ccserver.telephony.pbx_layout import FILE_NAME, write_layout
from msgspec.structs import replace

from tests.rig.config_bench import ADMIN, ConfigBench
from tests.rig.config_keeper import Kept, keep
from tests.rig.disk import fill
from tests.rig.wait import until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.asterisk,
    pytest.mark.faults,
    pytest.mark.timeout(300),
]


class Elsewhere(LocalStarter):
    """Asterisk's machine, which may be away for the rehearsal."""

    def __init__(self) -> None:
        super().__init__(default_cache())
        self.away = True

    async def room(self) -> Path | None:
        if self.away:
            raise Unavailable("rehearsal_away")
        return await super().room()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next try comes soon."""
    monkeypatch.setattr(pbx_trials, "DELAYS_SECONDS", (0.5,))


@pytest.fixture
async def automatic(bench: ConfigBench, supervisor: Supervisor) -> AsyncIterator[Kept]:
    yield await keep(bench, supervisor, "automatic")
    await supervisor.stop("keeper")


def is_stuck(kept: Kept) -> bool:
    return kept.state.stuck and kept.state.retry_at is not None


async def refused(bench: ConfigBench) -> int:
    return [result for _, _, result in await bench.history()].count("refused")


async def test_who_was_away_for_the_rehearsal_is_asked_again(
    bench: ConfigBench, supervisor: Supervisor, eager: None
) -> None:
    starter = Elsewhere()
    kept = await keep(bench, supervisor, "automatic", starter)
    await bench.add_phone("1002")
    kept.keeper.wake()
    await until(lambda: is_stuck(kept), "told when it is tried again")
    assert kept.state.run is not None
    assert (kept.state.run.result, kept.state.run.passing, kept.state.changes) == ("refused", True, 1)

    async def tried_again() -> bool:
        return await refused(bench) >= 3

    await until(tried_again, "more tries, by itself")
    starter.away = False
    await until(lambda: bench.knows("1002"), "phone 1002")
    await until(lambda: kept.state.changes == 0 and not kept.state.stuck, "nothing waits")
    assert kept.state.retry_at is None
    await supervisor.stop("keeper")


async def test_a_full_disk_is_tried_again_and_done_when_there_is_room(
    automatic: Kept, small_disk: Path, eager: None
) -> None:
    filler = await asyncio.to_thread(fill, small_disk)
    await automatic.bench.add_phone("1002")
    automatic.keeper.wake()
    await until(lambda: is_stuck(automatic), lambda: f"a full disk: {automatic.state}")
    await asyncio.to_thread(filler.unlink)
    await until(lambda: automatic.bench.knows("1002"), "phone 1002")
    await until(lambda: not automatic.state.stuck, "nothing in the way")


async def test_asterisk_that_went_away_in_the_middle_is_told_again(
    automatic: Kept, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = automatic.bench
    real, cut = bench.ami.action, asyncio.Event()

    async def away_once(name: str, /, **headers: str) -> object:
        if name == "Reload" and not cut.is_set():
            cut.set()
            raise Unavailable("telephony_blind")
        return await real(name, **headers)

    monkeypatch.setattr(bench.ami, "action", away_once)
    await bench.add_phone("1002")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002")
    await until(lambda: automatic.state.changes == 0, "nothing waits")
    assert [result for _, _, result in await bench.history()][-2:] == ["rolled_back", "applied"]


async def test_what_asterisk_refuses_is_told_to_wait_for_a_change(automatic: Kept, eager: None) -> None:
    bench = automatic.bench
    mine = bench.etc / "pjsip.d" / "mine.conf"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("[mine](nobody)\n")
    automatic.keeper.wake()
    await until(lambda: automatic.state.stuck, "refused")
    assert automatic.state.retry_at is None
    assert automatic.state.run is not None and not automatic.state.run.passing
    tries = await refused(bench)
    await automatic.until_looked()
    assert await refused(bench) == tries
    mine.unlink()
    automatic.keeper.wake()
    await until(lambda: not automatic.state.stuck and automatic.state.changes == 0, "nothing waits")


async def test_a_hold_ends_when_asterisk_runs_on_what_the_database_says(automatic: Kept) -> None:
    bench = automatic.bench
    first = (await bench.rows("SELECT min(id) AS id FROM pbx_revisions"))[0]["id"]
    await bench.add_phone("1002")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1002"), "phone 1002")
    await until(lambda: automatic.state.changes == 0, "nothing pending")
    begun = await automatic.ask("config.rollback", revision=first, who="chief")
    await automatic.until_over(begun["id"])
    await until(lambda: automatic.state.held and automatic.state.changes == 1, "held")
    told: list[tuple[bool, int]] = []
    show = automatic.keeper._show
    automatic.keeper._show = lambda state: (told.append((state.held, state.changes)), show(state))[1]  # type: ignore[func-returns-value,method-assign]
    await bench.execute("DELETE FROM phones WHERE extension = '1002'")
    automatic.keeper.wake()
    await until(lambda: not automatic.state.held and automatic.state.changes == 0, "the hold is over")
    assert (True, 0) not in told
    await bench.add_phone("1003")
    automatic.keeper.wake()
    await until(lambda: bench.knows("1003"), "phone 1003, by itself")


async def test_other_ports_after_a_way_back_end_the_hold(bench: ConfigBench) -> None:
    """The former revision does not fit them: what the database says is applied, and nothing is held back."""
    await bench.add_phone("1002")
    assert (await bench.apply()).result == "applied"
    store = bench.engine().store
    first = min(await asyncio.to_thread(store.revisions))
    assert (await bench.engine().rollback("back", ADMIN, first)).result == "applied"
    assert (await asyncio.to_thread(store.notes)).held
    assert await prepare(bench.settings, bench.database_url, automatic=True) == ""
    assert (await asyncio.to_thread(store.notes)).held
    ports = dataclasses.replace(bench.layout.ports, http=free_tcp_port())
    path = bench.home / "asterisk" / FILE_NAME
    await asyncio.to_thread(write_layout, path, replace(bench.layout, ports=ports))
    assert await prepare(bench.settings, bench.database_url, automatic=True) == HOLD_ENDED
    assert not (await asyncio.to_thread(store.notes)).held
    assert "[1002]" in bench.files()["pjsip.conf"]


async def test_a_layout_that_is_no_use_is_told_until_it_is_mended(
    bench: ConfigBench, supervisor: Supervisor
) -> None:
    path = bench.home / "asterisk" / FILE_NAME
    good = path.read_bytes()
    path.write_text("{")
    kept = await keep(bench, supervisor, "manual")
    assert kept.state.problem == say("layout_unusable", file=path, why=cause("layout_truncated"))
    assert kept.where[-1] == bench.tenant
    for name in ("config.diff", "config.apply"):
        with pytest.raises(Conflict, match="config_unplanned"):
            await kept.ask(name, fingerprint="any", who="chief")
    path.write_bytes(good)
    await until(lambda: kept.state.problem == "" and kept.state.applied is not None, "the layout in use")
    await supervisor.stop("keeper")
