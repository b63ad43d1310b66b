"""A disk with no room left."""

import contextlib
from pathlib import Path


def fill(folder: Path) -> Path:
    """Use up every byte that is left."""
    path = folder / "filler"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)
    return path
