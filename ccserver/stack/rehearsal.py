"""Throw-away Asterisks on this machine, for rehearsals of a configuration (``ports.AsteriskStarter``)."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from ccserver.domain.errors import Unavailable
from ccserver.ports import AsteriskStarter, ThrowAway
from ccserver.stack.asterisk_root import AsteriskBinary, default_cache, find_asterisk
from ccserver.telephony.pbx_mailbox import MAILBOX, Mailbox

KILL_SECONDS: Final = 5.0
LEFT_SECONDS: Final = 600.0
_ROOMS: Final = Path("/tmp")  # noqa: S108 - mkdtemp makes the folder itself, closed to others
_PREFIX: Final = "ccs-rehearsal-"


class LocalThrowAway:
    """A child of ours in a process group of its own."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self._process = process
        self._console = console

    async def running(self) -> bool:
        return self._process.poll() is None

    async def last_words(self) -> str:
        return await asyncio.to_thread(self._console.read_text, errors="replace")

    async def kill(self) -> None:
        await asyncio.to_thread(self._kill)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)


class LocalStarter:
    """Uses the Asterisk of this machine: on PATH, else the private one in ``cache``."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._binary: AsteriskBinary | None = None

    async def room(self) -> Path | None:
        if self._binary is None:
            self._binary = await asyncio.to_thread(find_asterisk, self._cache)
        if self._binary is None:
            return None
        return await asyncio.to_thread(self._room)

    def _room(self) -> Path:
        for old in _ROOMS.glob(f"{_PREFIX}*"):
            # Left by one who was killed; its Asterisk has ended by now.
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_mtime > LEFT_SECONDS and old.stat().st_uid == os.geteuid():
                    shutil.rmtree(old, ignore_errors=True)
        # Short, because it will hold a Unix socket; closed to others, because it will hold secrets.
        return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_ROOMS))

    async def start(self, etc: Path, seconds: float) -> LocalThrowAway:
        if self._binary is None:
            raise Unavailable("asterisk_missing")
        return await asyncio.to_thread(self._start, self._binary, etc, seconds)

    def _start(self, binary: AsteriskBinary, etc: Path, seconds: float) -> LocalThrowAway:
        console = etc.parent / "log" / "console.log"
        # "timeout" ends it though we be killed meanwhile.
        argv = (
            "timeout",
            "--signal=KILL",
            f"{seconds:.0f}",
            *binary.argv,
            "-C",
            f"{etc}/asterisk.conf",
            "-f",
            "-n",
        )
        with console.open("wb") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=etc.parent / "run",
                start_new_session=True,
            )
        return LocalThrowAway(process, console)


def starter_for(data: Path) -> AsteriskStarter:
    """How this installation boots throw-away Asterisks: by the container beside us if there is one, else here."""
    mailbox = Mailbox(data / "asterisk" / MAILBOX)
    return EitherStarter(mailbox, LocalStarter(default_cache()))


class EitherStarter:
    """The container's Asterisk where its mailbox is open, this machine's otherwise."""

    def __init__(self, mailbox: Mailbox, local: LocalStarter) -> None:
        self._mailbox = mailbox
        self._local = local
        self._last: AsteriskStarter = local

    async def room(self) -> Path | None:
        self._last = self._mailbox if await asyncio.to_thread(self._mailbox.is_open) else self._local
        return await self._last.room()

    async def start(self, etc: Path, seconds: float) -> ThrowAway:
        return await self._last.start(etc, seconds)
