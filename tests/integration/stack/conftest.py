"""What tests of the stack share."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.stack.precious import fill_awkwardly
from tests.rig.postgres import new_database


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


@pytest.fixture
async def source(database_url: str) -> str:
    """A database worth saving."""
    await fill_awkwardly(database_url)
    return database_url


@pytest.fixture
async def target(postgres_dsn: str) -> AsyncIterator[str]:
    """A second empty database."""
    async for dsn in new_database(postgres_dsn, "template1"):
        yield dsn
