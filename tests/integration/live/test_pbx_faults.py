"""What must never happen to a running Asterisk's configuration: half of it, none of it, or nobody knows which."""

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from ccserver.domain.errors import Unavailable
from ccserver.live import pbx_history
from ccserver.live.pbx_history import PbxHistory
from ccserver.live.pbx_run import Asker
from ccserver.telephony.pbx_install import LAST

from tests.integration.live.kill_driver import APPLIED, MODULE, POINTS
from tests.rig.config_bench import ADMIN, ConfigBench
from tests.rig.disk import fill
from tests.rig.wait import PATIENCE_SECONDS, until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.asterisk,
    pytest.mark.faults,
    pytest.mark.timeout(300),
]

OWNER = Asker(who="ccserver", origin="automatic")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine PostgreSQL takes its time to notice that the session of a killed holder is gone."""
    monkeypatch.setattr(pbx_history, "SHARED_ATTEMPTS", 150)


async def forgotten(bench: ConfigBench, extension: str) -> bool:
    """A reload answers before all of it has taken effect."""
    return not await bench.knows(extension)


async def killed_at(bench: ConfigBench, point: str) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, point),
        env=bench.environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        said, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL, said.decode()


@pytest.mark.parametrize("point", sorted(POINTS))
async def test_a_kill_at_any_point_is_undone_or_finished_by_the_next(bench: ConfigBench, point: str) -> None:
    before = bench.files()
    await bench.add_phone("1002")
    await bench.execute("UPDATE sites SET caller_id = '+33145678901'")
    await killed_at(bench, point)
    await bench.engine().recover(OWNER)
    result = (await bench.history())[-1][2]
    if point in APPLIED:
        assert result == "applied"
        assert await bench.knows("1002")
        assert (await bench.apply()).result == "unchanged"
    else:
        assert result == "interrupted" or point == "begun"
        assert bench.files() == before
        await until(lambda: forgotten(bench, "1002"), "the phone forgotten")
        assert await bench.knows("1001")
        assert (await bench.apply()).result == "applied"
        assert await bench.knows("1002")
    assert "running" not in [row[2] for row in await bench.history()]
    assert not bench.journal()
    assert not (bench.state / "staged").exists()


async def test_a_killed_apply_is_undone_though_asterisk_and_postgresql_are_away(
    bench: ConfigBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.files()
    await bench.add_phone("1002")
    await bench.execute("UPDATE sites SET caller_id = '+33145678901'")
    await killed_at(bench, "installed")
    await bench.asterisk.kill9()
    await until(lambda: not bench.ami.up, "the link down")
    engine = bench.engine()
    engine.installer._patience = 0.0

    async def away(self: PbxHistory, *_: object) -> None:
        raise Unavailable("database_away")

    monkeypatch.setattr(PbxHistory, "end", away)
    with pytest.raises(Unavailable):
        await engine.recover(OWNER)
    assert bench.files() == before
    assert bench.journal()["phase"] == "over"
    monkeypatch.undo()
    await bench.asterisk.start()
    await until(lambda: bench.ami.up, "the link up")
    await bench.engine().recover(OWNER)
    assert (await bench.history())[-1][2] == "interrupted"
    assert not bench.journal()


async def test_a_result_that_postgresql_did_not_take_is_told_later(
    bench: ConfigBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: PbxHistory, *_: object) -> None:
        raise Unavailable("database_away")

    monkeypatch.setattr(PbxHistory, "end", away)
    await bench.add_phone("1002")
    assert (await bench.apply()).result == "applied"
    assert await bench.knows("1002")
    assert (await bench.history())[-1][2] == "running"
    monkeypatch.undo()
    await bench.engine().recover(OWNER)
    assert (await bench.history())[-1][2] == "applied"
    assert not bench.journal()


async def test_a_full_disk_is_met_before_anything_is_touched(bench: ConfigBench, small_disk: Path) -> None:
    before = bench.files()
    await bench.add_phone("1002")
    filler = await asyncio.to_thread(fill, small_disk)
    run = await bench.apply()
    assert run.result == "refused"
    assert f"The disk of {bench.etc} is full" in run.message
    assert bench.files() == before
    assert await bench.knows("1001")
    filler.unlink()
    assert (await bench.apply()).result == "applied"
    assert await bench.knows("1002")


async def test_a_disk_that_fills_up_in_the_middle_is_survived(
    bench: ConfigBench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bench.files()
    await bench.add_phone("1002")
    real = bench.ami.action

    async def greedy(name: str, /, **headers: str) -> object:
        if name == "Reload":
            await asyncio.to_thread(fill, small_disk)
        return await real(name, **headers)

    monkeypatch.setattr(bench.ami, "action", greedy)
    run = await bench.apply()
    monkeypatch.undo()
    assert run.result in ("rolled_back", "applied"), run
    if run.result == "rolled_back":
        assert bench.files() == before
        assert not await bench.knows("1002")
    assert await bench.knows("1001")
    (small_disk / "filler").unlink()
    await bench.engine().recover(OWNER)
    assert (await bench.apply()).result in ("applied", "unchanged")
    assert await bench.knows("1002")
    assert (bench.etc / LAST).exists()


async def test_asterisk_that_was_away_reads_what_changed_when_it_is_back(bench: ConfigBench) -> None:
    """Its manager interface is cut, it runs on: what it has not read is read as soon as it answers again."""
    await bench.ami.close()
    engine = bench.engine()
    engine.installer._patience = 0.0
    await bench.add_phone("1002")
    run = await engine.apply("one", OWNER)
    assert run.result == "applied"
    assert not await bench.knows("1002")
    notes = await asyncio.to_thread(engine.store.notes)
    assert "pjsip.conf" in notes.unread
    await bench.ami.start()
    await until(lambda: bench.ami.up, "the link")
    assert "pjsip.conf" in await engine.installer.settle()
    await until(lambda: bench.knows("1002"), "the phone known to Asterisk")


async def test_what_needs_a_restart_is_said_until_asterisk_has_restarted(bench: ConfigBench) -> None:
    path = bench.etc / "asterisk.conf"
    path.write_text(path.read_text() + "\n; somebody was here\n")
    engine = bench.engine()
    assert (await engine.apply("one", OWNER)).result == "applied"
    assert "asterisk.conf" in (await asyncio.to_thread(engine.store.notes)).unread
    await engine.installer.settle()
    assert "asterisk.conf" in (await asyncio.to_thread(engine.store.notes)).unread
    # Asterisk tells its start to the second.
    started = await bench.ami.action("CoreStatus")

    async def restarted() -> bool:
        await bench.asterisk.restart()
        await until(lambda: bench.ami.up, "the link")
        return await bench.ami.action("CoreStatus") != started

    await until(restarted, "another start")
    await engine.installer.settle()
    assert (await asyncio.to_thread(engine.store.notes)).unread == {}


@pytest.mark.parametrize("patience", [PATIENCE_SECONDS, 0.0], ids=["soon-enough", "too-slow-for-the-apply"])
async def test_an_asterisk_that_waits_for_its_first_configuration_needs_no_restart(
    bench: ConfigBench, patience: float
) -> None:
    """As in the container: it starts when the files are there, in the middle of the apply that brings them."""
    await bench.asterisk.stop()
    await until(lambda: not bench.ami.up, "the link to go down")
    await asyncio.to_thread(shutil.rmtree, bench.etc)
    bench.etc.mkdir()
    engine = bench.engine()
    engine.installer._patience = patience
    applying = asyncio.create_task(engine.apply(str(uuid4()), ADMIN))
    await until((bench.etc / "asterisk.conf").exists, "the first configuration")
    await bench.asterisk.start()
    run = await applying
    assert run.result == "applied", run
    await until(lambda: bench.ami.up, "the link to Asterisk")
    await engine.installer.settle()
    assert not (await asyncio.to_thread(engine.store.notes)).unread
