"""Fixtures of the tests that change Asterisk's configuration."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.config_bench import ConfigBench


@pytest.fixture
def small_disk(bench: ConfigBench) -> Iterator[Path]:
    """The configuration folder on a file system of its own that a test may fill."""
    kept = bench.files()
    history = bench.home / "history"
    (bench.etc / ".ccserver").rename(history)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(bench.etc)], check=True)
    try:
        for name, text in kept.items():
            (bench.etc / name).write_text(text)
        subprocess.run(["cp", "-a", str(history), str(bench.etc / ".ccserver")], check=True)
        yield bench.etc
    finally:
        subprocess.run(["umount", "-l", str(bench.etc)], check=True)
