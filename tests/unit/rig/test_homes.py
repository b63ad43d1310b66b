"""What a killed run left is swept; what a living one needs stays."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ccserver.stack.processes import identify, wait_gone

from tests.rig.homes import new_home, sweep

OTHER_RUN = """
import subprocess, sys
from pathlib import Path
from tests.rig.homes import new_home
home = new_home(Path(sys.argv[1]))
(home / "file").write_text("x")
left = subprocess.Popen(["tail", "-f", f"{home}/file"], stdout=subprocess.DEVNULL, start_new_session=True)
print(home, left.pid, flush=True)
left.wait()
"""


@pytest.fixture
def other_run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", OTHER_RUN, str(tmp_path)]
    run = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    with run:
        yield run
        run.kill()


async def test_what_a_killed_run_left_goes_with_its_processes(
    tmp_path: Path, other_run: subprocess.Popen[str]
) -> None:
    assert other_run.stdout is not None
    told, pid = other_run.stdout.readline().split()
    home, left = Path(told), identify(int(pid))
    assert left is not None
    mine, foreign = new_home(tmp_path), tmp_path / "ccs-rehearsal-abc"
    foreign.mkdir()
    sweep(tmp_path)
    assert (home / "file").exists() and left.alive, "its owner lives"

    other_run.kill()
    other_run.wait()
    sweep(tmp_path)
    assert not home.exists() and await wait_gone(left, 30)
    assert mine.exists() and foreign.exists()
