"""A central Asterisk with ccserver, and two sites with a gateway and phones, each in a network namespace."""

import sys
import time
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
from tests.rig.sipp import GIVEN_UP_SECONDS, SOUND_PORTS, SippProcess
from tests.rig.wait import until_now

SIP_PORT = 5060
FIRST_PHONE_PORT, FIRST_SOUND_PORT = 6000, 7000
WEB_PORT = 1128
QUALIFY_SECONDS = 5
"""Asterisk then waits for an answer as long as it ever does: a busy machine's pause is not taken for a cut line."""


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
class World:
    """All of it, for a test to reach into."""

    places: ThreePlaces
    central: Central
    gateways: dict[str, GatewayProcess]
    installation: Installation
    home: Path
    phones: list[SippProcess] = field(default_factory=list)

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

    async def phone(self, extension: str, site: str | None = None) -> SippProcess:
        """The phone of an agent, at the agent's site or at another: registers, rings, answers, echoes what it hears."""
        model = self.central.model
        place = site or next(phone.site for phone in model.phones if phone.extension == extension)
        number = len(self.phones)
        made = SippProcess(
            self.central,
            "phone_answers",
            self.home / f"phone-{number}",
            extension=extension,
            address=self.places.phone_address(place),
            port=FIRST_PHONE_PORT + number,
            sound_port=FIRST_SOUND_PORT + SOUND_PORTS * number,
            ring_ms=300,
            inside=self.places.sites[place].inside,
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
            TrunkPbx(
                slug=site,
                site=site,
                host=places.gateway_address(site),
                port=SIP_PORT,
                qualify_seconds=QUALIFY_SECONDS,
            )
            for site in SITES
        ),
        dids=(
            DidPbx(number=PARIS_DID, site="paris", opened=ring("1001")),
            # A number of Lyon that an agent in Paris answers.
            DidPbx(number=LYON_DID, site="lyon", opened=ring("1002")),
        ),
        qualify_seconds=QUALIFY_SECONDS,
        rtp_timeout_seconds=10,
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
        # Who was asked before he was there is given up when that question is, though he answers the next.
        up = time.monotonic()
        until_now(lambda: time.monotonic() > up + GIVEN_UP_SECONDS, "earlier questions given up")
        for site in SITES:
            placed_central.reachable_now(f"trunk-{site}")
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
