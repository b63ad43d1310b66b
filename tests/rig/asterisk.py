"""A central Asterisk with two sites, four phones and their gateways, on loopback with ports of its own."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccserver.domain.pbx import (
    DidPbx,
    PbxDirectories,
    PbxModel,
    PbxPorts,
    PbxUser,
    PhonePbx,
    SitePbx,
    TrunkPbx,
    ring,
)
from ccserver.stack.asterisk_process import AsteriskProcess
from ccserver.stack.asterisk_root import AsteriskBinary
from ccserver.stack.gateway import GatewayModel, GatewayProcess
from ccserver.stack.ports import free_rtp_range, free_tcp_port, free_udp_port
from ccserver.telephony.render import render

from tests.rig.homes import new_home as new_home  # for those who make an Asterisk: beside the rest of it
from tests.rig.homes import remove_home as remove_home
from tests.rig.wait import until, until_now

TENANT = "00000000-0000-7000-8000-00000000000a"
PARIS_ADDRESS = "127.0.0.2"
LYON_ADDRESS = "127.0.0.3"
PARIS_DID = "+33145670001"
PARIS_SECOND_DID = "+33145670002"
LYON_DID = "+33478670003"
DID_WITHOUT_FALLBACK = "+33145670009"
TRUNK_KEEP_ALIVE_SECONDS = 3600
_ASTERISKS_LONGEST = 86_400
"""Trunks are asked whether they are alive when a test says so, hardly ever by themselves: a question that was on its
way before the gateway was there is given up three seconds later, and would then count as the gateway's end. Asterisk
asks first at a random moment of that time, so it is made the longest that Asterisk knows, which no model may ask for.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Central:
    """The central Asterisk of a test, with the addresses that a client needs."""

    process: AsteriskProcess
    model: PbxModel

    @classmethod
    def of(cls, binary: AsteriskBinary, model: PbxModel, name: str = "asterisk") -> "Central":
        """Not started; its trunks of ``TRUNK_KEEP_ALIVE_SECONDS`` are left alone."""
        files = dict(render(model))
        often, seldom = (
            f"\nqualify_frequency = {seconds}\n" for seconds in (TRUNK_KEEP_ALIVE_SECONDS, _ASTERISKS_LONGEST)
        )
        files["pjsip.conf"] = files["pjsip.conf"].replace(often, seldom)
        return cls(process=AsteriskProcess.of(binary, model, name=name, files=files), model=model)

    @property
    def ari_url(self) -> str:
        return f"http://{self.model.ports.http_address}:{self.model.ports.http}/ari"

    @property
    def ari_headers(self) -> dict[str, str]:
        pair = f"{self.model.ari.name}:{self.model.ari.secret}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    @property
    def sip(self) -> tuple[str, int]:
        return self.model.ports.sip_address, self.model.ports.sip

    def trunk_port(self, slug: str) -> int:
        return next(trunk.port for trunk in self.model.trunks if trunk.slug == slug)

    def phone_secret(self, extension: str) -> str:
        return next(phone.secret for phone in self.model.phones if phone.extension == extension)

    async def reachable(self, endpoint: str) -> None:
        """Ask a phone, or ``trunk-paris``, whether it is alive; return when Asterisk has heard that it is."""
        await self._told(endpoint, "Avail")

    async def unreachable(self, endpoint: str) -> None:
        """The same of what is not there; it takes the three seconds after which an answer is given up."""
        await self._told(endpoint, "Unavail")

    async def _told(self, endpoint: str, state: str) -> None:
        await self.process.rx(f"pjsip qualify {endpoint}")

        async def so() -> bool:
            return states_of(await self.process.rx("pjsip show contacts"), endpoint) == {state}

        await until(so, f"{endpoint} {state}")

    def reachable_now(self, endpoint: str) -> None:
        """Like ``reachable``, in this thread."""
        process = self.process
        process.rx_now(f"pjsip qualify {endpoint}")
        until_now(
            lambda: states_of(process.rx_now("pjsip show contacts"), endpoint) == {"Avail"},
            f"{endpoint} reachable",
        )


def states_of(shown: str, endpoint: str) -> set[str]:
    """What ``pjsip show contacts`` says of the contacts of a phone or trunk: Avail, Unavail, NonQual..."""
    rows = [line.split() for line in shown.splitlines() if f" {endpoint}/" in line]
    return {row[3] for row in rows}


def demo_model(binary: AsteriskBinary, home: Path) -> PbxModel:
    """Sites paris (phones 1001, 1002) and lyon (1003, and 1004 in a browser); three numbers with a fallback."""
    first, last = free_rtp_range()
    return PbxModel(
        revision=1,
        tenant=TENANT,
        ports=PbxPorts(
            sip=free_udp_port(), http=free_tcp_port(), ami=free_tcp_port(), rtp_first=first, rtp_last=last
        ),
        directories=PbxDirectories.under(str(home), modules=str(binary.moddir), data=str(binary.datadir)),
        ami=PbxUser(name="ccserver", secret="ami-secret-of-tests"),
        ari=PbxUser(name="ccserver", secret="ari-secret-of-tests"),
        sites=(
            SitePbx(id="site-paris", slug="paris", area="01", caller_id="+33145670000", trunks=("paris",)),
            SitePbx(id="site-lyon", slug="lyon", area="04", caller_id="+33478670000", trunks=("lyon",)),
        ),
        trunks=(
            _trunk("paris", PARIS_ADDRESS),
            _trunk("lyon", LYON_ADDRESS),
        ),
        phones=(
            _phone("1001", "paris", "Zoé Martin"),
            _phone("1002", "paris", "Luc O'Neil"),
            _phone("1003", "lyon", "Anaïs Petit"),
            _phone("1004", "lyon", "Marc Durand", kind="browser"),
        ),
        dids=(
            DidPbx(number=PARIS_DID, site="paris", opened=ring("1001")),
            DidPbx(number=PARIS_SECOND_DID, site="paris", opened=ring("1002")),
            DidPbx(number=LYON_DID, site="lyon", opened=ring("1003")),
            DidPbx(number=DID_WITHOUT_FALLBACK, site="paris"),
        ),
        # SIPp phones and callers send no sound.
        rtp_timeout_seconds=0,
    )


def _trunk(slug: str, address: str) -> TrunkPbx:
    port = free_udp_port(address)
    return TrunkPbx(slug=slug, site=slug, host=address, port=port, qualify_seconds=TRUNK_KEEP_ALIVE_SECONDS)


def _phone(extension: str, site: str, name: str, *, kind: str = "softphone") -> PhonePbx:
    return PhonePbx(
        extension=extension,
        secret=f"secret-of-{extension}",
        site=site,
        display_name=name,
        agent_id=f"agent-{extension}",
        kind=kind,
    )


def make_central(binary: AsteriskBinary, home: Path) -> Central:
    """A central Asterisk, not started."""
    return Central.of(binary, demo_model(binary, home), "the central Asterisk")


def make_gateway(
    binary: AsteriskBinary, home: Path, central: Central, slug: str, *, talk_seconds: int = 300
) -> GatewayProcess:
    """The stand-in gateway of one of the central's trunks, not started. Talks last ``talk_seconds`` at most."""
    trunk = next(trunk for trunk in central.model.trunks if trunk.slug == slug)
    first, last = free_rtp_range()
    return GatewayProcess(
        binary,
        GatewayModel(
            name=slug,
            directories=PbxDirectories.under(str(home), modules=str(binary.moddir), data=str(binary.datadir)),
            address=trunk.host,
            sip=trunk.port,
            rtp_first=first,
            rtp_last=last,
            central_host=central.model.ports.sip_address,
            central_port=central.model.ports.sip,
            talk_seconds=talk_seconds,
        ),
    )


def end_all_calls(central: Central) -> None:
    """Hang up whatever a test left behind. Raises AssertionError when channels stay."""
    rx = central.process.rx_now

    def silent() -> bool:
        if rx("core show channels count").startswith("0 active channels"):
            return True
        rx("channel request hangup all")
        return False

    until_now(silent, "no channel is left")


@contextmanager
def kept_running(process: AsteriskProcess | GatewayProcess, home: Path) -> Iterator[None]:
    """It runs meanwhile; afterwards neither it nor its folder is there."""
    try:
        process.start_now()
        yield
    finally:
        process.stop_now()
        remove_home(home)


@contextmanager
def own_central(
    binary: AsteriskBinary, change: Callable[[PbxModel], PbxModel], *, talk_seconds: int = 300
) -> Iterator[Central]:
    """A central of one test's own, its model changed, and the gateway of Paris, which it has reached."""
    home, gateway_home = new_home(), new_home()
    central = Central.of(binary, change(demo_model(binary, home)))
    gateway = make_gateway(binary, gateway_home, central, "paris", talk_seconds=talk_seconds)
    with kept_running(central.process, home), kept_running(gateway, gateway_home):
        central.reachable_now("trunk-paris")
        yield central
