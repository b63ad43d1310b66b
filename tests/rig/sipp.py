"""SIPp under test control: one scenario, one process, ports of its own."""

import asyncio
import re
import shutil
import socket
from pathlib import Path
from typing import Final

from ccserver.stack.ports import free_udp_port

from tests.rig.asterisk import PARIS_ADDRESS, PARIS_DID, Central
from tests.rig.wait import until

SCENARIOS: Final = Path(__file__).with_name("sipp")
_NEVER_MS: Final = 600_000


class SippProcess:
    """One SIPp. Scenarios ``phone_*`` register ``extension`` first; ``caller*`` come from a gateway's address.

    ``talk_ms``: how long until it hangs up by itself; ``ring_ms``: how long a phone rings before it acts;
    ``patience_ms``: when a caller gives up; ``calls``: how many calls a caller places, ``rate`` a second.
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
        self._port = port
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
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; a phone is registered and reachable when this returns, a carrier is bound."""
        self._home.mkdir(parents=True)
        self._port = self._port or free_udp_port(self._address)
        if self.extension:
            register = await self._spawn("register", ["-m", "1"])
            assert await register.wait() == 0, f"SIPp could not register {self.extension}: {self.log()}"
        if self._is_caller:
            options = ["-m", str(self._calls), "-r", str(self._rate), "-l", str(max(self._calls, 1))]
            self._process = await self._spawn(self._scenario, [*options, "-s", self._number])
            return
        self._process = await self._spawn(self._scenario, [])
        await until(self._bound, f"SIPp {self._scenario} bound to its port")
        if self.extension:
            # The server asked once before we listened: have it ask again.
            extension = self.extension
            await self._central.process.rx(f"pjsip qualify {extension}")
            await until(self._reachable, f"phone {extension} reachable")

    async def wait(self, seconds: float = 30.0) -> int:
        """The exit code of a caller that went through its scenario: 0 when all went as written."""
        assert self._process is not None
        async with asyncio.timeout(seconds):
            return await self._process.wait()

    async def stop(self) -> None:
        """Kill it: no BYE, no un-registration."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

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
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        for name, value in self._words.items():
            text = text.replace(f"%{name}%", value)
        file = self._home / f"{scenario}.xml"
        file.write_text(text)
        host, port = self._central.sip
        logs = ["-trace_err", "-error_file", str(self._home / f"{scenario}-errors.log")]
        logs += ["-trace_msg", "-message_file", str(self._home / f"{scenario}-messages.log")]
        return await asyncio.create_subprocess_exec(
            program,
            f"{host}:{port}",
            *("-sf", str(file), "-i", self._address, "-p", str(self._port)),
            *("-mi", self._address, "-mp", str(free_udp_port(self._address)), "-nostdin", "-rtp_echo"),
            *logs,
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._home,
        )

    def _bound(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, f"SIPp ended: {self.log()}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((self._address, self._port or 0))
            except OSError:
                return True
        return False

    async def _reachable(self) -> bool:
        lines = (await self._central.process.rx("pjsip show contacts")).splitlines()
        return any(f" {self.extension}/" in line and " Avail " in line for line in lines)


class PhoneBank(SippProcess):
    """Many phones in one SIPp: each extension registers at its port, and all of them answer alike."""

    def __init__(
        self, central: Central, extensions: tuple[str, ...], home: Path, *, ring_ms: int = 200
    ) -> None:
        super().__init__(central, "phone_answers", home, extension=extensions[0], ring_ms=ring_ms)
        self._extensions = extensions

    async def start(self) -> None:
        """All are registered and reachable when this returns, and will stay so."""
        self._home.mkdir(parents=True)
        self._port = free_udp_port(self._address)
        for extension in self._extensions:
            self._words |= {"extension": extension, "secret": self._central.phone_secret(extension)}
            register = await self._spawn("register", ["-m", "1"])
            assert await register.wait() == 0, f"SIPp could not register {extension}: {self.log()}"
        self._process = await self._spawn(self._scenario, [])
        await until(self._bound, "SIPp bank bound to its port")
        # The questions that Asterisk sent while nobody listened are given up one qualify_timeout (3 s) later, and
        # count as "gone" then: only an answer to a later question is there to stay.
        loop = asyncio.get_running_loop()
        given_up = loop.time() + 3.3
        await until(lambda: loop.time() > given_up, "the first keep-alives given up")
        for extension in self._extensions:
            await self._central.process.rx(f"pjsip qualify {extension}")
        await until(self._all_reachable, "all phones of the bank reachable")

    async def _all_reachable(self) -> bool:
        lines = [
            line
            for line in (await self._central.process.rx("pjsip show contacts")).splitlines()
            if " Avail " in line
        ]
        return all(any(f" {extension}/" in line for line in lines) for extension in self._extensions)
