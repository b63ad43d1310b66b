"""What tests of the stack share."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own: one MiB and a hundred files."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=100", "ccserver-test", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"This test mounts a small tmpfs and so runs as root: {done.stderr}"
    yield folder
    subprocess.run(["umount", folder], check=True)
