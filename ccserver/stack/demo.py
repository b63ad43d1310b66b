"""Steady, real SIP traffic for a demo: stand-in gateways, agents' phones, callers, and clicks on numbers."""

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp
import structlog

from ccserver.domain.pbx import PbxDirectories, PbxModelError
from ccserver.stack.asterisk_process import AsteriskFailed, AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.demo_people import HTTP_SECONDS, Clicker, Person, dice
from ccserver.stack.demo_plan import CUSTOMER_RANGES, DemoPlan, DemoSite
from ccserver.stack.gateway import GatewayModel, GatewayProcess
from ccserver.stack.ports import free_rtp_range
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import PidFile, identify

log = structlog.get_logger(__name__)

READY_SECONDS: Final = 60.0
INBOUND_EVERY_SECONDS: Final = (4.0, 9.0)
CLICK_EVERY_SECONDS: Final = (5.0, 11.0)
_POLL_SECONDS: Final = 0.2
_APT: Final = ("apt-get", "-oDPkg::Lock::Timeout=300", "-q", "-y", "--no-install-recommends", "install")


def ensure_baresip() -> None:
    """Install the softphone program when it is missing. Raises StackProblem. Blocks."""
    if shutil.which("baresip"):
        return
    hint = "The demo's phones need the program baresip: apt-get install baresip-core"
    if not shutil.which("apt-get"):
        raise StackProblem(hint)
    for command in ((*_APT, "baresip-core"), ("apt-get", "-q", "update"), (*_APT, "baresip-core")):
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode == 0 and shutil.which("baresip"):
            return
    raise StackProblem(f"{hint} (it could not be installed: are you root, and is the network up?)")


class DemoTraffic:
    """Everything of the demo that runs. ``start`` when the server is healthy and its database seeded."""

    def __init__(
        self,
        plan: DemoPlan,
        *,
        binary: AsteriskBinary,
        central: AsteriskProcess,
        sip: tuple[str, int],
        folder: Path,
        pid_folder: Path,
        server_url: str,
    ) -> None:
        self._plan = plan
        self._central = central
        self._sip = sip
        self._url = server_url
        self._folder = folder
        self._pid_folder = pid_folder
        self._pid_files: list[PidFile] = []
        self._gateways = {site.slug: self._gateway(site, binary) for site in plan.sites}
        self._http: aiohttp.ClientSession | None = None
        self._people: list[Person] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def gateways(self) -> tuple[GatewayProcess, ...]:
        """The stand-in gateways, to be watched."""
        return tuple(self._gateways.values())

    async def start(self, detail: Callable[[str], None] = lambda _text: None) -> None:
        """Gateways up, phones registered, agents available, traffic running. Raises StackProblem."""
        detail("softphone program")
        await asyncio.to_thread(ensure_baresip)
        for gateway in self.gateways:
            detail(f"gateway {gateway.model.name}")
            await gateway.start()
            await asyncio.to_thread(self._note, gateway.model.name, gateway.pid)
        detail("waiting for the phones to be known to Asterisk")
        await self._known_to_asterisk()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS))
        for agent in self._plan.agents:
            person = Person(
                agent,
                self._folder / f"phone-{agent.extension}",
                self._sip,
                Clicker(self._http, self._url, agent),
            )
            self._people.append(person)
            detail(f"phone {agent.extension}")
            await person.phone.start()
            await asyncio.to_thread(self._note, f"phone-{agent.extension}", person.phone.pid)
        await self._arrive()
        self._tasks = [
            asyncio.create_task(self._for_ever(self._inbound, INBOUND_EVERY_SECONDS), name="demo callers"),
            asyncio.create_task(self._for_ever(self._click, CLICK_EVERY_SECONDS), name="demo clicks"),
        ]

    async def stop(self) -> None:
        """End the traffic, the phones and the gateways."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(person.stop() for person in self._people), return_exceptions=True)
        if self._http is not None:
            await self._http.close()
        await asyncio.gather(*(gateway.stop() for gateway in self.gateways), return_exceptions=True)
        for file in self._pid_files:
            file.remove()

    def _note(self, name: str, pid: int | None) -> None:
        """Note the process, so that the next start can stop it when we are killed."""
        identity = identify(pid) if pid else None
        if identity is not None:
            file = PidFile(self._pid_folder / f"{name}.pid")
            file.write(identity)
            self._pid_files.append(file)

    def _gateway(self, site: DemoSite, binary: AsteriskBinary) -> GatewayProcess:
        first, last = free_rtp_range(address=site.address)
        home = str(self._folder / site.slug)
        try:
            directories = PbxDirectories.under(home, modules=str(binary.moddir), data=str(binary.datadir))
        except PbxModelError as error:
            raise StackProblem(
                f"A gateway cannot work in {home}: {error}. Set CCSERVER_DATA to a shorter path."
            ) from error
        return GatewayProcess(
            binary,
            GatewayModel(
                name=site.slug,
                directories=directories,
                address=site.address,
                sip=site.port,
                rtp_first=first,
                rtp_last=last,
                central_host=self._sip[0],
                central_port=self._sip[1],
            ),
        )

    async def _known_to_asterisk(self) -> None:
        """Wait until the server has told its Asterisk of the last phone and of the trunks."""
        last = self._plan.agents[-1].extension
        names = [last, *(f"trunk-{site.slug}" for site in self._plan.sites)]
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        for name in names:
            while "Unable to find object" in await self._central.rx(f"pjsip show endpoint {name}"):
                if asyncio.get_running_loop().time() > deadline:
                    raise StackProblem(
                        f"The demo's {name} did not appear in Asterisk within a minute: see the server's log."
                    )
                await asyncio.sleep(_POLL_SECONDS)
        for site in self._plan.sites:
            await self._central.rx(f"pjsip qualify trunk-{site.slug}")

    # ---- traffic

    async def _for_ever(self, act: Callable[[], Awaitable[None]], every: tuple[float, float]) -> None:
        """Act again and again. The server or Asterisk may be away for a while: that is a part of the show."""
        while True:
            try:
                await act()
            except (aiohttp.ClientError, TimeoutError, AsteriskFailed) as error:
                log.info("demo traffic pauses", reason=str(error) or type(error).__name__)
            await asyncio.sleep(dice.uniform(*every))

    async def _inbound(self) -> None:
        """Most callers ask for somebody who is free, some for somebody who is not."""
        free = [person for person in self._people if person.idle]
        person = dice.choice(free if free and dice.random() < 0.85 else self._people)
        await self._gateways[person.agent.site].call(
            f"{dice.choice(CUSTOMER_RANGES)}{dice.randrange(1000, 9999)}",
            self._plan.number_of(person.agent),
            talk_seconds=dice.randrange(8, 25),
            patience_seconds=dice.randrange(8, 16),
        )

    async def _click(self) -> None:
        idle = [person for person in self._people if person.idle and not person.taken_over]
        if idle:
            await dice.choice(idle).click()

    async def _arrive(self) -> None:
        for person in self._people:
            try:
                await person.arrive()
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("demo agent comes later", agent=person.agent.login, reason=str(error))
