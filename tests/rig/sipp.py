"""SIPp under test control: one scenario, one process, ports of its own."""

import asyncio
import re
import shutil
import socket
from pathlib import Path
from typing import Final

from ccserver.stack.ports import free_port, free_udp_port

from tests.rig.asterisk import PARIS_ADDRESS, PARIS_DID, Central, states_of
from tests.rig.wait import until

SCENARIOS: Final = Path(__file__).with_name("sipp")
WAIT_SECONDS: Final = 90.0
_NEVER_MS: Final = 600_000
SOUND_PORTS: Final = 4
"""SIPp binds two more than the one it is given: sound, its control, video."""
_REPEATED_SECONDS: Final = 1.5
GIVEN_UP_SECONDS: Final = 3.5
"""Asterisk asks a phone that has just registered whether it is alive, repeats that for nearly 2 s (timer_t1), and gives
it up after 3 s (qualify_timeout; less where it asks every 3 seconds or more often, which no test with SIPp may)."""


class SippProcess:
    """One SIPp. Scenarios ``phone_*`` register ``extension`` first; ``caller*`` come from a gateway's address.

    ``talk_ms``: how long until it hangs up by itself; ``ring_ms``: how long a phone rings before it acts;
    ``patience_ms``: when a caller gives up; ``calls``: how many calls a caller places, ``rate`` a second.

    ``inside``: what its command line begins with, to run in a network of its own; which ports are free there cannot be
    seen from here, so ``port`` and ``sound_port`` are then given.
    """

    def __init__(
        self,
        central: Central,
        scenario: str,
        home: Path,
        *,
        extension: str | None = None,
        number: str = PARIS_DID,
        caller: str = "+33612345678",
        address: str | None = None,
        port: int | None = None,
        sound_port: int | None = None,
        inside: tuple[str, ...] = (),
        talk_ms: int = _NEVER_MS,
        ring_ms: int = 200,
        patience_ms: int = 1000,
        status: str = "486 Busy Here",
        calls: int = 1,
        rate: int = 1,
    ) -> None:
        self.extension = extension
        self._central = central
        self._scenario = scenario
        self._home = home
        self._address = address or ("127.0.0.1" if extension else PARIS_ADDRESS)
        self._port, self._sound_port = port, sound_port
        self._inside = inside
        self._is_caller = scenario.startswith("caller")
        self._calls, self._rate = calls, rate
        self._words = {
            "caller": caller,
            "number": number,
            "talk_ms": str(talk_ms),
            "ring_ms": str(ring_ms),
            "patience_ms": str(patience_ms),
            "status": status,
            "extension": extension or "",
            "secret": central.phone_secret(extension) if extension else "",
        }
        self._number = number
        self._registered = 0.0, 0.0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; a phone is registered and reachable when this returns, a carrier is bound."""
        self._home.mkdir(parents=True)
        self._port = self._port or free_udp_port(self._address)
        self._sound_port = self._sound_port or free_port(socket.SOCK_DGRAM, self._address, count=SOUND_PORTS)
        if self._is_caller:
            options = ["-m", str(self._calls), "-r", str(self._rate), "-l", str(max(self._calls, 1))]
            self._process = await self._spawn(self._scenario, [*options, "-s", self._number])
            return
        if self.extension:
            await self._register()
        self._process = await self._spawn(self._scenario, [])
        await until(self._bound, f"SIPp {self._scenario} bound to its port")
        if self.extension:
            await self._heard()

    async def wait(self, seconds: float = WAIT_SECONDS) -> int:
        """The exit code of a caller that went through its scenario: 0 when all went as written."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self) -> None:
        """Kill it: no BYE, no un-registration."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def leave(self) -> None:
        """Kill it and give its registration back. Whether Asterisk took it is not looked at: it may be gone itself."""
        await self.stop()
        if self.extension and self._registered[1] and self._central.process.running:
            leaving = await self._spawn("unregister", ["-m", "1", "-timeout", "5"])
            await leaving.wait()

    async def _register(self, *options: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        register = await self._spawn("register", list(options or ("-m", "1")))
        assert await register.wait() == 0, f"SIPp could not register {self.extension}: {self.log()}"
        self._registered = began, loop.time()

    async def _heard(self) -> None:
        """Asterisk has asked before we listened: only when that question was answered, or is given up, is the phone
        reachable for good."""
        loop = asyncio.get_running_loop()
        registering, registered = self._registered
        if loop.time() - registering > _REPEATED_SECONDS:
            await until(lambda: loop.time() > registered + GIVEN_UP_SECONDS, "the first question given up")
        await self._central.reachable(self.extension or "")

    def log(self) -> str:
        """Errors and messages, for an assertion's text."""
        return "\n".join(p.read_text(errors="replace") for p in sorted(self._home.glob("*.log")))

    def messages(self) -> str:
        """All SIP messages of the scenario, as SIPp wrote them down."""
        path = self._home / f"{self._scenario}-messages.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def statuses(self) -> list[int]:
        """The SIP status codes received, in order."""
        text = self.messages()
        received = re.findall(r"message received \[\d+\] bytes :\s+SIP/2\.0 (\d{3})", text)
        return [int(code) for code in received]

    async def _spawn(self, scenario: str, options: list[str]) -> asyncio.subprocess.Process:
        program = shutil.which("sipp")
        assert program, "SIPp is not installed: apt-get install sip-tester"
        file = self._home / f"{scenario}.xml"
        file.write_text(self._text(scenario))
        host, port = self._central.sip
        logs = ["-trace_err", "-error_file", str(self._home / f"{scenario}-errors.log")]
        logs += ["-trace_msg", "-message_file", str(self._home / f"{scenario}-messages.log")]
        return await asyncio.create_subprocess_exec(
            *(*self._inside, program, f"{host}:{port}"),
            *("-sf", str(file), "-i", self._address, "-p", str(self._port)),
            *("-mi", self._address, "-mp", str(self._sound_port), "-nostdin", "-rtp_echo"),
            *logs,
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._home,
        )

    def _text(self, scenario: str) -> str:
        if scenario == "unregister":
            return self._text("register").replace("Expires: 3600", "Expires: 0")
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for name, value in self._words.items():
            text = text.replace(f"%{name}%", value)
        return text

    def _bound(self) -> bool:
        """By the table of its network: trying to bind would take the port from SIPp at the very moment when it does."""
        assert self._process is not None and self._port
        assert self._process.returncode is None, f"SIPp ended: {self.log()}"
        here = f" {socket.inet_aton(self._address)[::-1].hex().upper()}:{self._port:04X} "
        try:
            return here in Path(f"/proc/{self._process.pid}/net/udp").read_text()
        except OSError:  # it has just ended, which is told next time
            return False


class PhoneBank(SippProcess):
    """Many phones in one SIPp: each extension registers at its port, and all of them answer alike."""

    def __init__(
        self, central: Central, extensions: tuple[str, ...], home: Path, *, ring_ms: int = 200
    ) -> None:
        super().__init__(central, "phone_answers", home, extension=extensions[0], ring_ms=ring_ms)
        self._extensions = extensions

    async def _register(self, *options: str) -> None:
        rows = [
            f"{e};[authentication username={e} password={self._central.phone_secret(e)}]"
            for e in self._extensions
        ]
        table = self._home / "phones.csv"
        await asyncio.to_thread(table.write_text, "\n".join(["SEQUENTIAL", *rows, ""]))
        await super()._register("-inf", str(table), "-m", str(len(rows)), "-r", "100", *options)

    def _text(self, scenario: str) -> str:
        if scenario == "register":
            proof = "[authentication username=%extension% password=%secret%]"
            text = (SCENARIOS / "register.xml").read_text()
            return text.replace(proof, "[field1]").replace("%extension%", "[field0]")
        return super()._text(scenario)

    async def _heard(self) -> None:
        await super()._heard()
        for extension in self._extensions[1:]:
            await self._central.process.rx(f"pjsip qualify {extension}")
        await until(self._all_reachable, "all phones of the bank reachable")

    async def _all_reachable(self) -> bool:
        shown = await self._central.process.rx("pjsip show contacts")
        return all(states_of(shown, extension) == {"Avail"} for extension in self._extensions)
