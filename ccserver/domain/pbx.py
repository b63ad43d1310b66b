"""What Asterisk must know, as plain values that cannot escape their place in a configuration file.

The database holds sites, trunks, phones and numbers; ``PbxModel`` is their picture at one revision. Every
string is checked when the value is made (``ccserver.domain.pbx_values``): a rendered file can then be written
without asking again.

Free text (display names) is the one thing that people may write as they like: it is kept as written in the
model and reduced by :func:`caller_name` at the point of use.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from ccserver.domain.pbx_dialling import emergency_numbers
from ccserver.domain.pbx_machine import PbxDirectories, PbxNat, PbxPorts, PbxTls, PbxUser
from ccserver.domain.pbx_numbers import (
    DestinationPbx,
    DidPbx,
    SchedulePbx,
    SpecialDayPbx,
    WeeklyHoursPbx,
    ring,
)
from ccserver.domain.pbx_phones import MobilePbx, PhonePbx
from ccserver.domain.pbx_sites import RoutePbx, SitePbx
from ccserver.domain.pbx_trunks import TrunkPbx, account, known_by_address, same_source
from ccserver.domain.pbx_values import (
    CODECS,
    EMERGENCY_NUMBERS,
    IDENTIFIER,
    USER,
    PbxModelError,
    caller_name,
    check_unique,
    match,
)

__all__ = [
    "CODECS",
    "EMERGENCY_NUMBERS",
    "DestinationPbx",
    "DidPbx",
    "MobilePbx",
    "PbxDirectories",
    "PbxModel",
    "PbxModelError",
    "PbxNat",
    "PbxPorts",
    "PbxTls",
    "PbxUser",
    "PhonePbx",
    "RoutePbx",
    "SchedulePbx",
    "SitePbx",
    "SpecialDayPbx",
    "TrunkPbx",
    "WeeklyHoursPbx",
    "caller_name",
    "ring",
]

_QUALIFY_PATIENCE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxModel:
    """Everything that Asterisk must know at one revision of the configuration.

    ``lease_seconds``: how long a caller may stay in the Stasis application without a sign of the server
    before the dialplan takes the call back. ``rtp_timeout_seconds``: a call without sound packets for so long
    is ended (0: never). ``qualify_seconds``: how often a phone is asked whether it is alive.

    ``rehearsal``: for a throw-away Asterisk that only shows whether the files are good and must touch nobody. It
    listens on loopback only, asks nobody whether he is alive and registers nowhere; the rest is as it will be.
    """

    revision: int
    tenant: str
    ports: PbxPorts
    directories: PbxDirectories
    ami: PbxUser
    ari: PbxUser
    sites: tuple[SitePbx, ...] = ()
    trunks: tuple[TrunkPbx, ...] = ()
    phones: tuple[PhonePbx, ...] = ()
    mobiles: tuple[MobilePbx, ...] = ()
    dids: tuple[DidPbx, ...] = ()
    schedules: tuple[SchedulePbx, ...] = ()
    application: str = "ccserver"
    lease_seconds: int = 45
    fallback_ring_seconds: int = 30
    fallback_queue_seconds: int = 60
    rtp_timeout_seconds: int = 30
    qualify_seconds: int = 10
    tls: PbxTls = field(default_factory=PbxTls)
    nat: PbxNat = field(default_factory=PbxNat)
    rehearsal: bool = False

    def __post_init__(self) -> None:
        if self.revision < 0:
            raise PbxModelError("revision", "zero or more")
        match(IDENTIFIER, self.tenant, "tenant", "letters, digits, '_ . -'")
        match(USER, self.application, "application", "small letters, digits, '_' and '-'")
        for name, low, high in (
            ("lease_seconds", 5, 3600),
            ("fallback_ring_seconds", 5, 600),
            ("fallback_queue_seconds", 5, 3600),
            ("rtp_timeout_seconds", 0, 3600),
            ("qualify_seconds", 0, 3600),
        ):
            if not low <= getattr(self, name) <= high:
                raise PbxModelError(name, f"between {low} and {high} seconds")
        if (self.ports.sip_tls or self.ports.https) and not self.tls.certificate:
            raise PbxModelError("TLS", "SIP over TLS and HTTPS need a certificate and its key")
        self._check_unique()
        self._check_trunks()
        self._check_references()

    def _check_unique(self) -> None:
        check_unique((site.slug for site in self.sites), "site slugs")
        check_unique((trunk.slug for trunk in self.trunks), "trunk slugs")
        extensions = [row.extension for row in self.stations]
        check_unique(extensions, "phone extensions")
        check_unique((did.number for did in self.dids), "numbers")
        check_unique((schedule.id for schedule in self.schedules), "schedules")

    def _check_trunks(self) -> None:
        for index, trunk in enumerate(self.trunks):
            self.check_trunk(trunk, self.trunks[:index])

    def check_trunk(self, trunk: TrunkPbx, others: Iterable[TrunkPbx]) -> None:
        """Whether ``trunk`` can be told apart from ``others``, and its transport is there. Raises PbxModelError."""
        ports = {"udp": self.ports.sip, "tcp": self.ports.sip_tcp, "tls": self.ports.sip_tls}
        if not ports[trunk.transport]:
            raise PbxModelError(f"trunk {trunk.slug}", f"this Asterisk does not listen on {trunk.transport}")
        if ":" in trunk.host and ":" not in self.ports.sip_address:
            raise PbxModelError(f"trunk {trunk.slug}", "this Asterisk does not listen on IPv6")
        for other in others:
            # Traffic of peers is told apart by its source address only.
            if not trunk.registers and not other.registers and same_source(trunk, other):
                raise PbxModelError("trunk host", f"trunk {other.slug} has the same address")
            if trunk.registers and other.registers and account(trunk) == account(other):
                raise PbxModelError("trunk account", f"trunk {other.slug} logs in with the same account")

    def _check_references(self) -> None:
        sites = {site.slug: site for site in self.sites}
        trunks = {trunk.slug: trunk.site for trunk in self.trunks}
        extensions = {phone.extension for phone in self.phones}
        schedules = {schedule.id for schedule in self.schedules}
        users = [("trunk", t.slug, t.site) for t in self.trunks]
        users += [("phone", p.extension, p.site) for p in self.stations]
        users += [("number", d.number, d.site) for d in self.dids]
        users += [("number", d.number, x.site) for d in self.dids for x in d.destinations if x.site]
        for kind, name, site in users:
            if site not in sites:
                raise PbxModelError(f"{kind} {name}", f"site {site} is not in the model")
        for phone in self.stations:
            if phone.extension in emergency_numbers(sites[phone.site].country):
                raise PbxModelError(f"phone {phone.extension}", "this is an emergency number")
        for place in self.sites:
            for slug in (*place.trunks, *(route.trunk for route in place.routes)):
                if slug not in trunks:
                    raise PbxModelError(f"site {place.slug}", f"trunk {slug} is not in the model")
        for did in self.dids:
            if did.schedule and did.schedule not in schedules:
                raise PbxModelError(f"number {did.number}", "its schedule is not in the model")
            for extension in (d.extension for d in did.destinations if d.target == "phone"):
                if extension not in extensions:
                    raise PbxModelError(f"number {did.number}", f"extension {extension} is not in the model")

    @property
    def sip_address(self) -> str:
        """Where SIP listens; a rehearsal keeps to loopback."""
        return "127.0.0.1" if self.rehearsal else self.ports.sip_address

    @property
    def http_address(self) -> str:
        """Where HTTP listens."""
        return "127.0.0.1" if self.rehearsal else self.ports.http_address

    @property
    def https_address(self) -> str:
        """Where HTTPS listens."""
        return "127.0.0.1" if self.rehearsal else self.ports.https_address or self.ports.http_address

    def qualify(self, seconds: int) -> int:
        """How often to ask whether somebody is alive; a rehearsal asks nobody (0)."""
        return 0 if self.rehearsal else seconds

    @staticmethod
    def qualify_patience(seconds: int) -> str:
        """How many seconds, to the tenth, one such question waits for its answer: always less than until the next.

        Asterisk does not tell its questions apart: one that was asked while the line was cut and gives up after a
        later one was answered would put down who is alive.
        """
        return (
            f"{min(_QUALIFY_PATIENCE_SECONDS, seconds - 0.5) if seconds else _QUALIFY_PATIENCE_SECONDS:.1f}"
        )

    def site(self, slug: str) -> SitePbx:
        """The site of that slug; references are checked, so a slug from this model is always found."""
        return next(site for site in self.sites if site.slug == slug)

    def caller_id(self, slug: str) -> str:
        """The number under which the site's calls leave."""
        return self.site(slug).caller_id

    def trunk(self, slug: str) -> TrunkPbx:
        """The trunk of that slug."""
        return next(trunk for trunk in self.trunks if trunk.slug == slug)

    @property
    def stations(self) -> tuple[PhonePbx | MobilePbx, ...]:
        """Everything that has an extension."""
        return (*self.phones, *self.mobiles)

    def phones_of(self, site: SitePbx) -> tuple[PhonePbx, ...]:
        """The phones that stand at a site or whose agents do."""
        return tuple(phone for phone in self.phones if phone.site == site.slug)

    def known_by_address(self, trunk: TrunkPbx) -> bool:
        """Whether the trunk is told by where its traffic comes from."""
        return known_by_address(trunk, self.trunks)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of the mailboxes, each once."""
        return tuple(sorted({self.site(did.site).zone for did in self.dids if did.box}))

    @property
    def entity(self) -> str:
        """What Asterisk calls itself where it finds no network card: stable, and no card's address."""
        digest = sha256(f"{self.tenant} {self.directories.etc}".encode()).digest()
        return ":".join(f"{byte:02x}" for byte in (2, *digest[:5]))
