"""Rehearsals by another container: it has the Asterisk program, we have not, a folder is shared (docker/asterisk.sh).

The folder is a mailbox. Its keeper touches ``open`` every second. A request is a room: a folder ``<name>`` with the
throw-away's tree in it and a file ``start`` that says for how many seconds at most. The keeper removes ``start``,
boots ``etc/asterisk.conf`` of that room, writes its console to ``log/console.log``, kills it when a file ``stop``
appears or the time is over, and leaves a file ``ended``.
"""

import asyncio
import contextlib
import secrets
import shutil
import time
from pathlib import Path
from typing import Final

from ccserver.domain.errors import Unavailable

MAILBOX: Final = "rehearsal"
OPEN_SECONDS: Final = 15.0
"""A keeper that has not touched ``open`` for this long is gone."""
TAKEN_SECONDS: Final = 10.0
STOPPED_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1


class RoomThrowAway:
    """One that runs in the other container."""

    def __init__(self, room: Path) -> None:
        self._room = room

    async def running(self) -> bool:
        return await asyncio.to_thread(self._runs)

    def _runs(self) -> bool:
        return not (self._room / "ended").exists()

    async def last_words(self) -> str:
        def read() -> str:
            try:
                return (self._room / "log" / "console.log").read_text(errors="replace")
            except OSError:
                return ""

        return await asyncio.to_thread(read)

    async def kill(self) -> None:
        await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            (self._room / "stop").touch()
        deadline = time.monotonic() + STOPPED_SECONDS
        while self._runs() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


class Mailbox:
    """``ports.AsteriskStarter`` on a shared folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def is_open(self) -> bool:
        """Whether somebody is there to boot Asterisks. Blocks."""
        try:
            return time.time() - (self._folder / "open").stat().st_mtime < OPEN_SECONDS
        except OSError:
            return False

    async def room(self) -> Path | None:
        return await asyncio.to_thread(self._room)

    def _room(self) -> Path | None:
        if not self.is_open():
            return None
        for old in self._folder.iterdir():
            # Left by one who was killed; its keeper has ended it by now.
            if old.is_dir() and time.time() - old.stat().st_mtime > 600:
                shutil.rmtree(old, ignore_errors=True)
        room = self._folder / secrets.token_hex(4)
        room.mkdir(mode=0o700)
        return room

    async def start(self, etc: Path, seconds: float) -> RoomThrowAway:
        return await asyncio.to_thread(self._start, etc.parent, seconds)

    def _start(self, room: Path, seconds: float) -> RoomThrowAway:
        aside = room / "start.new"
        aside.write_text(f"{seconds:.0f}\n")
        aside.replace(room / "start")
        deadline = time.monotonic() + TAKEN_SECONDS
        while (room / "start").exists():
            if time.monotonic() > deadline:
                (room / "start").unlink(missing_ok=True)
                raise Unavailable("rehearsal_away")
            time.sleep(_POLL_SECONDS)
        return RoomThrowAway(room)
