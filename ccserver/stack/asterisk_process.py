"""One running Asterisk of our own: its files, its life, its command line.

The work is done by blocking methods (``start_now``, ``stop_now``...) that any thread may call; the coroutines
beside them run the same in a worker thread, so an event loop never waits. Nothing is tied to one event loop:
a test session may share one Asterisk between loops.
"""

import asyncio
import base64
import contextlib
import http.client
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccserver.domain.pbx import PbxDirectories, PbxModel
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_files import put_files
from ccserver.telephony.pbx_folders import cel_file, make_folders
from ccserver.telephony.render import render

BOOT_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.03
_TAIL_LINES: Final = 15


class AsteriskFailed(StackProblem):
    """Asterisk did not start, or did not answer; the message ends with its own last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """Where ARI must answer 200 before this Asterisk counts as ready."""

    host: str
    port: int
    user: str
    secret: str

    def answers(self) -> bool:
        """Whether ``/ari/asterisk/ping`` answers 200 now (404 means: HTTP is up, ARI not yet)."""
        token = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()
        link = http.client.HTTPConnection(self.host, self.port, timeout=2)
        try:
            link.request("GET", "/ari/asterisk/ping", headers={"Authorization": f"Basic {token}"})
            return link.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()


class AsteriskProcess:
    """An Asterisk that runs from its own directories, in the foreground of its own session."""

    def __init__(
        self,
        binary: AsteriskBinary,
        directories: PbxDirectories,
        files: Mapping[str, str],
        *,
        probe: HttpProbe | None = None,
        name: str = "asterisk",
    ) -> None:
        self._binary = binary
        self._directories = directories
        self._files = dict(files)
        self._probe = probe
        self._process: subprocess.Popen[bytes] | None = None
        self.name = name

    @classmethod
    def of(
        cls,
        binary: AsteriskBinary,
        model: PbxModel,
        *,
        name: str = "asterisk",
        files: Mapping[str, str] | None = None,
    ) -> "AsteriskProcess":
        """The central Asterisk of a model, ready when its ARI answers.

        Its files are rendered from the model; ``files`` empty: those that lie in its folder already are its files.
        """
        ports, ari = model.ports, model.ari
        everywhere = ports.http_address in ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on
        host = "127.0.0.1" if everywhere else ports.http_address
        probe = HttpProbe(host=host, port=ports.http, user=ari.name, secret=ari.secret)
        return cls(
            binary, model.directories, render(model) if files is None else files, probe=probe, name=name
        )

    # ---- what it is now

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether the process is there (it may be suspended)."""
        return self.pid is not None

    @property
    def log_file(self) -> Path:
        """Asterisk's own log, verbose lines included."""
        return Path(self._directories.log) / "messages.log"

    @property
    def cel_file(self) -> Path:
        """The channel event log (``cel_custom.conf``)."""
        return cel_file(self._directories)

    def log_text(self) -> str:
        """The whole log as text, empty when there is none yet."""
        try:
            return self.log_file.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    # ---- its life

    async def start(self, deadline_seconds: float = BOOT_SECONDS) -> None:
        """Write the files, start, and return when it is ready. Raises AsteriskFailed."""
        await asyncio.to_thread(self.start_now, deadline_seconds)

    async def stop(self) -> None:
        """End all calls and the process; killed when it does not go by itself."""
        await asyncio.to_thread(self.stop_now)

    async def restart(self, deadline_seconds: float = BOOT_SECONDS) -> None:
        """Stop and start again."""
        await self.stop()
        await self.start(deadline_seconds)

    async def kill9(self) -> None:
        """Die without a word, as by a power cut."""
        await asyncio.to_thread(self.kill9_now)

    async def rx(self, command: str) -> str:
        """The answer of one command of Asterisk's own command line. Raises AsteriskFailed."""
        return await asyncio.to_thread(self.rx_now, command)

    async def reload(self, files: Mapping[str, str]) -> None:
        """Put new files in place and have Asterisk read those that changed."""
        await asyncio.to_thread(self.reload_now, files)

    def start_now(self, deadline_seconds: float = BOOT_SECONDS) -> None:
        """Like ``start``, in this thread."""
        if self.running:
            raise AsteriskFailed(f"{self.name} is running already.")
        deadline = time.monotonic() + deadline_seconds
        self._stop_leftover()
        self._write_files()
        log = Path(self._directories.log)
        # A session of its own: Ctrl-C in a terminal is meant for us, not for it.
        with (log / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                [*self._command_line(), "-f", "-n"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self._directories.run,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(deadline)
        except BaseException:
            self.kill9_now()
            raise

    def stop_now(self) -> None:
        """Like ``stop``, in this thread."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        try:
            self.rx_now("core stop now", timeout=STOP_SECONDS)
        except AsteriskFailed:
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9_now()

    def kill9_now(self) -> None:
        """Like ``kill9``, in this thread."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def suspend(self) -> None:
        """Freeze it (SIGSTOP): sockets stay open, nobody answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Thaw it."""
        self._signal(signal.SIGCONT)

    def rx_now(self, command: str, timeout: float = COMMAND_SECONDS) -> str:
        """Like ``rx``, in this thread."""
        try:
            done = subprocess.run(
                [*self._command_line(), "-rx", command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AsteriskFailed(f"{self.name} did not answer '{command}' in {timeout:.0f} s.") from None
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise AsteriskFailed(f"{self.name} refused '{command}': {text.strip() or done.stderr.decode()}")
        return text

    def reload_now(self, files: Mapping[str, str]) -> None:
        """Like ``reload``, in this thread."""
        self._files = dict(files)
        self._write_files()
        self.rx_now("core reload")

    # ---- the details

    def _command_line(self) -> list[str]:
        return [*self._binary.argv, "-C", f"{self._directories.etc}/asterisk.conf"]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _write_files(self) -> None:
        make_folders(self._directories)
        put_files(Path(self._directories.etc), self._files)

    def _stop_leftover(self) -> None:
        """An Asterisk of these very directories that an earlier, killed run left behind goes first."""
        control = Path(self._directories.run) / "asterisk.ctl"
        if not control.exists():
            return
        # It fails when only the socket's file is left, or when it is frozen: then the boot will tell.
        with contextlib.suppress(AsteriskFailed):
            self.rx_now("core stop now", timeout=STOP_SECONDS)
            deadline = time.monotonic() + STOP_SECONDS
            while control.exists() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        control.unlink(missing_ok=True)

    def _wait_until_ready(self, deadline: float) -> None:
        control = Path(self._directories.run) / "asterisk.ctl"
        self._poll(deadline, control.exists, "it did not open its control socket")
        self._poll(deadline, self._fully_booted, "it did not boot fully")
        if self._probe is not None:
            self._poll(deadline, self._probe.answers, "its ARI does not answer")

    def _fully_booted(self) -> bool:
        try:
            return "fully booted" in self.rx_now("core waitfullybooted")
        except AsteriskFailed:
            return False

    def _poll(self, deadline: float, done: Callable[[], bool], otherwise: str) -> None:
        while not done():
            if self._process is None or self._process.poll() is not None:
                raise AsteriskFailed(f"{self.name} ended while it was starting.{self._last_words()}")
            if time.monotonic() > deadline:
                raise AsteriskFailed(f"{self.name} is not ready in time: {otherwise}.{self._last_words()}")
            time.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        lines: list[str] = []
        for path in (Path(self._directories.log) / "console.log", self.log_file):
            try:
                lines += path.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
            except FileNotFoundError:
                continue
        return "\nIts last lines:\n  " + "\n  ".join(lines) if lines else ""
