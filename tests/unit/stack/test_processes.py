"""Children are stopped for sure, and nobody else is ever signalled."""

import os
import sys
from pathlib import Path

import pytest
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import PidFile, ProcessIdentity, identify, spawn, stop_process, wait_gone

STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
)
PARENT = """
import subprocess
child = subprocess.Popen(["sleep", "1000"])
print(child.pid, flush=True)
child.wait()
"""


async def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = await spawn("stubborn", [sys.executable, "-c", STUBBORN], log=tmp_path / "log")
    await child.stop(patience_seconds=0.3)
    assert not child.running
    assert child.process.returncode == -9 or child.process.returncode == -15


async def test_the_whole_group_goes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = await spawn("parent", [sys.executable, "-c", PARENT], log=log)
    while not log.read_text().strip():
        assert child.running
        await wait_gone(child.identity, 0.05)
    grandchild = identify(int(log.read_text()))
    assert grandchild
    await child.stop()
    assert await wait_gone(grandchild, 30)


async def test_a_pid_file_finds_what_a_killed_owner_left(tmp_path: Path) -> None:
    pid_file = tmp_path / "run" / "sleeper.pid"
    child = await spawn("sleeper", ["sleep", "1000"], log=tmp_path / "log", pid_file=pid_file)
    left = PidFile(pid_file).live()
    assert left == child.identity
    await stop_process(left)
    await child.process.wait()
    assert PidFile(pid_file).live() is None


async def test_stopping_removes_the_pid_file(tmp_path: Path) -> None:
    pid_file = tmp_path / "sleeper.pid"
    child = await spawn("sleeper", ["sleep", "1000"], log=tmp_path / "log", pid_file=pid_file)
    await child.stop()
    await child.stop()
    assert not pid_file.exists()


async def test_a_number_given_to_somebody_else_is_not_ours() -> None:
    ours = identify(os.getpid())
    assert ours
    stranger = ProcessIdentity(ours.pid, ours.started_ticks - 1)
    assert not stranger.alive
    await stop_process(stranger)


@pytest.mark.parametrize("content", ["", "nonsense", "12", "x y"])
def test_a_damaged_pid_file_names_nobody(tmp_path: Path, content: str) -> None:
    path = tmp_path / "some.pid"
    path.write_text(content)
    assert PidFile(path).live() is None


async def test_a_missing_program_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StackProblem, match="Thing cannot be started"):
        await spawn("Thing", ["/no/such/program"], log=tmp_path / "log")
