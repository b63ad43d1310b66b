"""Until when this machine's owner saw everything: from there on the next one reads Asterisk's own record."""

import asyncio
from pathlib import Path


class SeenMark:
    """One instant (epoch seconds) in a file, written each second by an owner that is not blind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> float:
        """The instant; 0.0 when no owner of this machine ever saw anything."""
        return await asyncio.to_thread(self._read)

    async def write(self, at: float) -> None:
        """Everything up to ``at`` was seen."""
        await asyncio.to_thread(self._write, at)

    def _read(self) -> float:
        try:
            return float(self._path.read_text())
        except (OSError, ValueError):
            return 0.0

    def _write(self, at: float) -> None:
        aside = self._path.with_suffix(".new")
        aside.write_text(f"{at:.6f}")
        aside.replace(self._path)
