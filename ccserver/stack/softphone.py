"""A softphone under program control: one baresip process, registered like an agent's own phone.

Used by the demo and by the tests. It sends a steady tone (so that calls carry sound), answers keep-alives,
renews its registration, and tells each step of a call as an event.
"""

import asyncio
import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccserver.stack.ports import free_port, free_rtp_range, free_tcp_port, is_free
from ccserver.stack.problems import StackProblem

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.02
_PORT_ATTEMPTS: Final = 4
_PORT_TAKEN: Final = "Address already in use"
_LENGTH_LIMIT: Final = 9
_KEPT_EVENTS: Final = 2000
_MODULE_FOLDERS: Final = (
    "/usr/lib/baresip/modules",
    "/usr/lib64/baresip/modules",
    "/usr/local/lib/baresip/modules",
)

REGISTERED: Final = "REGISTER_OK"
REGISTER_FAILED: Final = "REGISTER_FAIL"
INCOMING: Final = "CALL_INCOMING"
OUTGOING: Final = "CALL_OUTGOING"
RINGING: Final = "CALL_RINGING"
ESTABLISHED: Final = "CALL_ESTABLISHED"
CLOSED: Final = "CALL_CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneEvent:
    """One step that the phone tells. ``peer`` is the other party's SIP URI, ``detail`` the cause of an end."""

    kind: str
    peer: str
    detail: str


class Softphone:
    """One phone. Use ``start``, then the commands; ``on_event`` is called for each event, in order."""

    def __init__(
        self,
        home: Path,
        *,
        extension: str,
        secret: str,
        server: str,
        server_port: int,
        on_event: Callable[[PhoneEvent], None] | None = None,
    ) -> None:
        self.extension = extension
        self.events: list[PhoneEvent] = []
        self._forgotten = 0
        self._home = home
        self._secret = secret
        self._server = f"{server}:{server_port}"
        self._on_event = on_event
        self._arrived = asyncio.Event()
        self._status = ""
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start and register. Raises StackProblem when it does not come up or the server refuses it."""
        for _ in range(_PORT_ATTEMPTS):
            try:
                await self._start_once()
                return
            except StackProblem as problem:
                # Its ports were free when we looked; somebody was quicker. Others are as good.
                if _PORT_TAKEN not in str(problem):
                    raise
                last = problem
        raise last

    async def _start_once(self) -> None:
        program = shutil.which("baresip")
        if program is None:
            raise StackProblem("The softphone program baresip is not installed: apt-get install baresip-core")
        control = free_tcp_port()
        await asyncio.to_thread(self._write_files, control)
        with (self._home / "console.log").open("wb") as console:
            self._process = await asyncio.create_subprocess_exec(
                program,
                "-f",
                str(self._home),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env={**os.environ, "HOME": str(self._home)},
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                reader, self._writer = await self._connect(control)
                self._reader = asyncio.create_task(self._read(reader), name=f"phone {self.extension}")
                await self._until_registered()
        except (TimeoutError, OSError):
            await self.kill()
            raise StackProblem(f"The phone {self.extension} did not come up.{self._last_words()}") from None

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Hang up, give the registration back and end; killed when that takes longer."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        await self._close()

    async def kill(self) -> None:
        """Vanish without a word: no BYE, no farewell to the registrar."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self._close()

    # ---- what a person does with a phone

    async def answer(self) -> None:
        """Pick up."""
        await self._send("accept")

    async def hang_up(self) -> None:
        """Put down; refuses a call that is still ringing."""
        await self._send("hangup")

    async def dial(self, number: str) -> None:
        """Dial on the keypad."""
        await self._send("dial", f"sip:{number}@{self._server}")

    async def hold(self) -> None:
        """Put the other party on hold."""
        await self._send("hold")

    async def resume(self) -> None:
        """Take the other party back from hold."""
        await self._send("resume")

    def mark(self) -> int:
        """A point in the history of events, for ``event(..., since=...)``."""
        return self._forgotten + len(self.events)

    async def event(self, *kinds: str, since: int = 0) -> PhoneEvent:
        """The first event of one of these kinds after ``since``; waits for it (set a deadline around it)."""
        while True:
            for event in self.events[max(0, since - self._forgotten) :]:
                if event.kind in kinds:
                    return event
            self._arrived.clear()
            await self._arrived.wait()

    # ---- the details

    def _write_files(self, control: int) -> None:
        modules = next((folder for folder in _MODULE_FOLDERS if Path(folder).is_dir()), None)
        if modules is None:
            raise StackProblem("The modules of the softphone baresip were not found.")
        # It also opens a TLS port beside the SIP port, one higher.
        sip = free_port(socket.SOCK_DGRAM, count=2)
        while not is_free(socket.SOCK_STREAM, sip) or not is_free(socket.SOCK_STREAM, sip + 1):
            sip = free_port(socket.SOCK_DGRAM, count=2)
        first, last = free_rtp_range(20)
        self._home.mkdir(parents=True, exist_ok=True)
        config = [
            "poll_method epoll",
            "call_max_calls 1",
            f"sip_listen 127.0.0.1:{sip}",
            "net_interface 127.0.0.1",
            "audio_player aubridge,silent",
            "audio_alert aubridge,bell",
            "audio_source ausine,440",
            "ausrc_srate 48000",
            "ausrc_channels 2",
            f"rtp_ports {first}-{last}",
            f"ctrl_tcp_listen 127.0.0.1:{control}",
            f"module_path {modules}",
            *(f"module {name}.so" for name in ("g711", "aubridge", "ausine", "ctrl_tcp")),
            *(f"module_app {name}.so" for name in ("account", "menu")),
        ]
        account = (
            f"<sip:{self.extension}@{self._server}>;auth_user={self.extension};auth_pass={self._secret}"
            ";answermode=manual;regint=60;audio_codecs=PCMA/8000/1"
        )
        for name, text in (("config", "\n".join(config)), ("accounts", account), ("contacts", "")):
            path = self._home / name
            path.write_text(text + "\n")
            path.chmod(0o600)

    async def _until_registered(self) -> None:
        """It may have registered before we listened, so no event can be awaited: ask until it is so."""
        while "OK" not in self._status:
            await self._send("reginfo")
            await asyncio.sleep(_POLL_SECONDS)

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            if self._process is None or self._process.returncode is not None:
                raise OSError("the phone ended")
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(_POLL_SECONDS)

    async def _send(self, command: str, parameters: str = "") -> None:
        if self._writer is None:
            raise StackProblem(f"The phone {self.extension} is not running.")
        body = json.dumps({"command": command, "params": parameters}).encode()
        self._writer.write(b"%d:%b," % (len(body), body))
        await self._writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings: length, colon, JSON, comma."""
        try:
            while True:
                length = (await reader.readuntil(b":"))[:-1]
                if len(length) > _LENGTH_LIMIT or not length.isdigit():
                    return
                body = await reader.readexactly(int(length) + 1)
                self._take(json.loads(body[:-1]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _take(self, message: Mapping[str, object]) -> None:
        if not message.get("event"):
            self._status = str(message.get("data", ""))
            return
        event = PhoneEvent(
            kind=str(message.get("type", "")),
            peer=str(message.get("peeruri", "")),
            detail=str(message.get("param", "")),
        )
        self.events.append(event)
        if len(self.events) > _KEPT_EVENTS:
            del self.events[: _KEPT_EVENTS // 2]
            self._forgotten += _KEPT_EVENTS // 2
        self._arrived.set()
        if self._on_event is not None:
            self._on_event(event)

    async def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None
        if self._process is not None:
            await self._process.wait()

    def _last_words(self) -> str:
        text = (self._home / "console.log").read_text(errors="replace")
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        return "\nIts last lines:\n  " + "\n  ".join(plain.splitlines()[-10:])
