"""A central Asterisk with ccserver, and two sites with a gateway and phones, each in a network namespace."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ccserver.domain.pbx import DidPbx, PbxPorts, TrunkPbx, ring
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayProcess
from ccserver.storage.pool import Database
from ccserver.telephony.render import render

from tests.rig.asterisk import (
    LYON_DID,
    PARIS_DID,
    Central,
    demo_model,
    kept_running,
    make_gateway,
    new_home,
    remove_home,
)
from tests.rig.installation import Installation, Node, fill_database
from tests.rig.namespaces import SITES, Place, ThreePlaces
from tests.rig.sipp import SCENARIOS
from tests.rig.wait import PATIENCE_SECONDS, until

SIP_PORT = 5060
FIRST_PHONE_PORT, FIRST_SOUND_PORT = 6000, 7000
WEB_PORT = 1128


@dataclass(kw_only=True)
class PlacedNode(Node):
    """``ccserver serve`` inside the central's namespace, reached over the wire between it and us."""

    place: Place
    address: str

    @property
    def base(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def command(self) -> tuple[str, ...]:
        return (*self.place.inside, sys.executable)


@dataclass
class PlacedPhone:
    """A SIPp phone in a site's network: registers, rings, answers, echoes what it hears."""

    central: Central
    place: Place
    address: str
    extension: str
    home: Path
    number: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.home.mkdir(parents=True)
        register = await self._spawn("register", "-m", "1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await register.wait() == 0, f"{self.extension} could not register: {self.log()}"
        self.process = await self._spawn("phone_answers")
        await until(self.reachable, f"phone {self.extension} reachable")

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def reachable(self) -> bool:
        await self.central.process.rx(f"pjsip qualify {self.extension}")
        lines = (await self.central.process.rx("pjsip show contacts")).splitlines()
        return any(f" {self.extension}/" in line and " Avail " in line for line in lines)

    def log(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*.log")))

    async def _spawn(self, scenario: str, *options: str) -> asyncio.subprocess.Process:
        program = shutil.which("sipp")
        assert program, "SIPp is not installed: apt-get install sip-tester"
        text = (SCENARIOS / f"{scenario}.xml").read_text()
        words = {
            "extension": self.extension,
            "secret": self.central.phone_secret(self.extension),
            "ring_ms": "300",
            "talk_ms": "600000",
        }
        for name, value in words.items():
            text = text.replace(f"%{name}%", value)
        file = self.home / f"{scenario}.xml"
        file.write_text(text)
        host, port = self.central.sip
        return await asyncio.create_subprocess_exec(
            *(*self.place.inside, program, f"{host}:{port}", "-sf", str(file)),
            *("-i", self.address, "-p", str(FIRST_PHONE_PORT + self.number)),
            *("-mi", self.address, "-mp", str(FIRST_SOUND_PORT + 10 * self.number)),
            *(
                "-nostdin",
                "-rtp_echo",
                "-trace_err",
                "-error_file",
                str(self.home / f"{scenario}-errors.log"),
            ),
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.home,
        )


@dataclass
class World:
    """All of it, for a test to reach into."""

    places: ThreePlaces
    central: Central
    gateways: dict[str, GatewayProcess]
    installation: Installation
    home: Path
    phones: list[PlacedPhone] = field(default_factory=list)

    async def node(self) -> Node:
        """ccserver, reigning."""
        environment = self.installation.environment("one") | {"CCSERVER_HOST": self.places.host_address}
        node = PlacedNode(
            environment,
            self.home / "one.log",
            port=WEB_PORT,
            place=self.places.central,
            address=self.places.host_address,
        )
        self.installation.nodes.append(node)
        await node.start()
        return node

    async def phone(self, extension: str) -> PlacedPhone:
        """The phone of an agent, at the agent's site."""
        site = next(phone.site for phone in self.central.model.phones if phone.extension == extension)
        made = PlacedPhone(
            self.central,
            self.places.sites[site],
            self.places.phone_address(site),
            extension,
            self.home / f"phone-{extension}",
            len(self.phones),
        )
        self.phones.append(made)
        await made.start()
        return made


@pytest.fixture
def places() -> Iterator[ThreePlaces]:
    made = ThreePlaces()
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest.fixture
def placed_central(asterisk_binary: AsteriskBinary, places: ThreePlaces) -> Iterator[Central]:
    """The central Asterisk in its namespace, with keep-alives and sound watched closely."""
    home = new_home()
    base = demo_model(asterisk_binary, home)
    model = replace(
        base,
        ports=replace(base.ports, sip_address=places.central_address, sip=SIP_PORT, http=8088, ami=5038),
        sites=tuple(replace(site, subnets=(places.subnet(site.slug),)) for site in base.sites),
        trunks=tuple(
            TrunkPbx(slug=s, site=s, host=places.gateway_address(s), port=SIP_PORT, qualify_seconds=2)
            for s in SITES
        ),
        dids=(
            DidPbx(number=PARIS_DID, site="paris", opened=ring("1001")),
            # A number of Lyon that an agent in Paris answers.
            DidPbx(number=LYON_DID, site="lyon", opened=ring("1002")),
        ),
        qualify_seconds=2,
        rtp_timeout_seconds=6,
    )
    assert isinstance(model.ports, PbxPorts)
    inside = replace(asterisk_binary, argv=(*places.central.inside, *asterisk_binary.argv))
    process = AsteriskProcess(inside, model.directories, render(model), name="the central Asterisk")
    with kept_running(process, home):
        yield Central(process=process, model=model)


@pytest.fixture
def gateways(
    asterisk_binary: AsteriskBinary, places: ThreePlaces, placed_central: Central
) -> Iterator[dict[str, GatewayProcess]]:
    """The two Yeastars, each in the namespace of its site."""
    made: dict[str, GatewayProcess] = {}
    homes = []
    try:
        for site in SITES:
            homes.append(new_home())
            inside = replace(asterisk_binary, argv=(*places.sites[site].inside, *asterisk_binary.argv))
            made[site] = make_gateway(inside, homes[-1], placed_central, site, talk_seconds=600)
            made[site].start_now()
        yield made
    finally:
        for gateway in made.values():
            gateway.stop_now()
        for home in homes:
            remove_home(home)


@pytest.fixture
async def world(
    places: ThreePlaces,
    placed_central: Central,
    gateways: dict[str, GatewayProcess],
    database: Database,
    database_url: str,
    tmp_path: Path,
) -> AsyncIterator[World]:
    """Nothing of ccserver runs yet: ``await world.node()``."""
    ids = await fill_database(database, placed_central)
    installation = Installation(placed_central, database, database_url, ids, tmp_path)
    made = World(places, placed_central, gateways, installation, tmp_path)
    yield made
    for phone in made.phones:
        await phone.stop()
    await installation.stop()
