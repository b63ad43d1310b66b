"""Folders of the rig: short names, because they hold Unix sockets; swept when the run that made them was killed.

A name tells its owner, ``ccs-PID-STARTED-random``: the process and, because numbers come again, when it started.
"""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ccserver.stack.processes import ProcessIdentity, identify

ROOT = Path("/tmp")
MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 2 << 30
_NAME = re.compile(r"ccs-([0-9a-f]+)-([0-9a-f]+)-\w+")


def pytest_configure(config: pytest.Config) -> None:
    """What killed runs left is swept when the next one begins."""
    for root in (ROOT, MEMORY):
        sweep(root)


def new_home(root: Path = ROOT) -> Path:
    """A folder of this process."""
    me = identify(os.getpid())
    assert me is not None
    return Path(tempfile.mkdtemp(prefix=f"ccs-{me.pid:x}-{me.started_ticks:x}-", dir=root))


def root_in_memory() -> Path:
    """Where what is written often and soon forgotten is quick: in memory, if there is plenty of it."""
    try:
        plenty = shutil.disk_usage(MEMORY).free > _ENOUGH_BYTES and os.access(MEMORY, os.W_OK)
    except OSError:
        plenty = False
    return MEMORY if plenty else ROOT


def remove_home(home: Path) -> None:
    """Remove a folder made by ``new_home``."""
    shutil.rmtree(home, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove the folders whose owner is gone, and first end what still runs there. Other folders are not touched."""
    for home in root.glob("ccs-*"):
        owner = _owner(home)
        if owner is not None and not owner.alive:
            for pid in _working_in(home):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            remove_home(home)


def _owner(home: Path) -> ProcessIdentity | None:
    named = _NAME.fullmatch(home.name)
    return ProcessIdentity(int(named[1], 16), int(named[2], 16)) if named else None


def _working_in(home: Path) -> Iterator[int]:
    """Processes whose command names the folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{home}/".encode() in (entry / "cmdline").read_bytes():
                yield int(entry.name)
