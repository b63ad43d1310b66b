"""Child processes that a stack owns: started in their own group, logged to a file, stopped for sure.

A process is known by its number and its start time, so that a number that the system has given to
somebody else since is never signalled.
"""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccserver.stack.problems import StackProblem

POLL_SECONDS = 0.05
START_TIME_FIELD = 19  # of /proc/PID/stat, counted after the command name
KILL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process for as long as it lives: `started_ticks` is since boot, in clock ticks."""

    pid: int
    started_ticks: int

    @property
    def alive(self) -> bool:
        return identify(self.pid) == self

    def signal(self, number: int, *, group: bool) -> None:
        """Send a signal to it, or to its whole group; nothing happens when it is gone."""
        if not self.alive:
            return
        try:
            if group:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            return


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of a live process, or None when there is none (a zombie counts as none)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, UnicodeDecodeError):
        return None
    return None if fields[0] in "ZX" else ProcessIdentity(pid, int(fields[START_TIME_FIELD]))


async def wait_gone(identity: ProcessIdentity, timeout_seconds: float) -> bool:
    """Whether the process was gone before the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    while identity.alive:
        if loop.time() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def stop_process(
    identity: ProcessIdentity,
    *,
    first: int = signal.SIGTERM,
    patience_seconds: float = 10.0,
    group: bool = True,
) -> None:
    """Ask with `first`, wait, then kill. Returns when the process is gone.

    Raises `StackProblem` if even SIGKILL does not end it (it hangs in the kernel).
    """
    identity.signal(first, group=group)
    if await wait_gone(identity, patience_seconds):
        return
    identity.signal(signal.SIGKILL, group=group)
    if not await wait_gone(identity, KILL_SECONDS):
        raise StackProblem(f"Process {identity.pid} does not end, even killed. A reboot may be needed.")


class PidFile:
    """Remembers a child across our own death, so that the next start can stop what was left."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, identity: ProcessIdentity) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_suffix(".new")
        aside.write_text(f"{identity.pid} {identity.started_ticks}\n")
        aside.rename(self._path)

    def live(self) -> ProcessIdentity | None:
        """The remembered process if it still runs."""
        try:
            pid, ticks = self._path.read_text().split()
            identity = ProcessIdentity(int(pid), int(ticks))
        except (OSError, ValueError):
            return None
        return identity if identity.alive else None

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Child:
    """A process that we started, in a process group of its own (a Ctrl-C at the terminal spares it)."""

    def __init__(self, name: str, process: Process, log: Path, pid_file: PidFile | None) -> None:
        identity = identify(process.pid)
        self.name = name
        self.log = log
        self.process = process
        # A child that has already ended has no identity any more; nothing will be signalled then.
        self.identity = identity or ProcessIdentity(process.pid, -1)
        self._pid_file = pid_file
        if pid_file and identity:
            pid_file.write(identity)

    @property
    def running(self) -> bool:
        return self.process.returncode is None and self.identity.alive

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for error messages."""
        try:
            text = self.log.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    async def stop(
        self, *, first: int = signal.SIGTERM, patience_seconds: float = 10.0, group: bool = True
    ) -> None:
        """Ask with `first`, wait, kill; then forget it. Safe to call twice."""
        await stop_process(self.identity, first=first, patience_seconds=patience_seconds, group=group)
        await self.process.wait()
        if self._pid_file:
            self._pid_file.remove()


async def spawn(
    name: str,
    argv: Sequence[str],
    *,
    log: Path,
    pid_file: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Child:
    """Start a child with its output appended to `log`. Raises `StackProblem` if it cannot start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise StackProblem(f"{name} cannot be started: {argv[0]}: {error.strerror}.") from error
    return Child(name, process, log, PidFile(pid_file) if pid_file else None)
