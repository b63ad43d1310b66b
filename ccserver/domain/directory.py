"""Who can be reached and how: agents, phones, sites, trunks, routes and numbers as the telephony owner knows them.

A directory is one consistent picture, read again as a whole whenever something in it changes.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec

from ccserver.domain.schedule import Schedule


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A user with a phone. ``extension`` is unique over all tenants: one Asterisk serves them all.

    ``station``: softphone (SIP over the VPN), browser (WebRTC), or mobile: then calls for the agent go out to the
    number ``mobile`` (E.164) by the agent's site, and no endpoint of the extension exists.
    """

    id: UUID
    tenant_id: UUID
    login: str
    name: str
    site_id: UUID | None
    extension: str
    active: bool
    phone_id: UUID | None = None
    station: str = "softphone"
    mobile: str = ""


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A physical phone of a site, nobody's own. Its extension is unique among agents' extensions too."""

    id: UUID
    tenant_id: UUID
    site_id: UUID
    extension: str
    label: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place. ``zone`` is an IANA zone, ``country`` ISO 3166 alpha-2, ``caller_id`` E.164 or empty.

    ``area``: digits put before a local number without area code. ``subnets``: networks (CIDR) from which SIP phones
    may register, empty for anywhere. ``allowed_prefixes``: E.164 prefixes that may be called, empty for all;
    emergency and short numbers always may. ``codecs``: what its SIP phones may speak, in order.
    """

    id: UUID
    tenant_id: UUID
    slug: str
    name: str
    zone: str
    country: str
    caller_id: str
    area: str = ""
    subnets: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    allowed_prefixes: tuple[str, ...] = ()


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A way from Asterisk to a site's gateway; the lowest ``priority`` is tried first.

    ``mode`` peer: known by its address (``host`` and further ``addresses``, CIDR); register: we log in at ``host``
    with ``username`` (its secret is a ``TrunkSecret``). ``transport`` udp, tcp or tls. ``number_format``: how numbers
    are sent, see :func:`ccserver.domain.dialling.for_trunk`; ``dial_prefix`` goes in front of outside numbers.
    An inactive trunk is not in Asterisk.
    """

    id: UUID
    tenant_id: UUID
    site_id: UUID
    slug: str
    host: str
    port: int
    codecs: tuple[str, ...]
    priority: int
    name: str = ""
    preset: str = "generic"
    mode: str = "peer"
    transport: str = "udp"
    username: str = ""
    from_domain: str = ""
    addresses: tuple[str, ...] = ()
    number_format: str = "national"
    dial_prefix: str = ""
    qualify_seconds: int = 10
    active: bool = True


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A site's calls to numbers that begin with ``prefix`` (E.164; "" for all) may leave by this trunk."""

    id: UUID
    tenant_id: UUID
    site_id: UUID
    trunk_id: UUID
    prefix: str
    priority: int


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers of a number go. ``target``: agent (``user_id``), phone (``phone_id``), number (``forward_to``,
    E.164, by the number's site), voicemail (the number's own box), none (they hear that nobody can be reached)."""

    target: str = "none"
    user_id: UUID | None = None
    phone_id: UUID | None = None
    forward_to: str = ""


RING_SECONDS: Final = 30
"""How long a number's first destination is rung, unless somebody chose otherwise."""

TRUNK_RING_SECONDS: Final = 12
"""How long who is called by a trunk is called at least. A trunk that is silent is known dead after 8 s (408: Asterisk's
timer_b), and the next one is tried only then; and what the network takes to reach a telephone is no ringing."""


class Did(msgspec.Struct, frozen=True, kw_only=True):
    """A number that outside callers dial (E.164), the agent whose phone it rings, if any, and its opening schedule.

    ``opened`` is where callers go while its schedule is open, or always when it has none; ``closed`` otherwise;
    ``unanswered`` is where they go next when whoever that is does not answer within ``ring_seconds``, is busy or is not
    there. With its target none they hear so.
    """

    id: UUID
    tenant_id: UUID
    number: str
    site_id: UUID
    user_id: UUID | None
    label: str
    schedule_id: UUID | None = None
    opened: Destination = Destination()
    closed: Destination = Destination()
    unanswered: Destination = Destination()
    ring_seconds: int = RING_SECONDS


class PhoneSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk must know of one phone, in clear: only rendering and provisioning may hold it."""

    user_id: UUID | None
    extension: str
    secret: str

    def __repr__(self) -> str:
        return f"PhoneSecret(user_id={self.user_id}, extension={self.extension!r}, secret=***)"


class TrunkSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The password with which a registering trunk logs in, in clear: only rendering may hold it."""

    trunk_id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"TrunkSecret(trunk_id={self.trunk_id}, secret=***)"


class Directory:
    """All of it, with the look-ups that routing needs. Immutable: a change makes a new one."""

    __slots__ = (
        "_agents",
        "_by_did",
        "_by_extension",
        "_dids",
        "_phones",
        "_phones_by_extension",
        "_routes",
        "_schedules",
        "_sites",
        "_trunks",
        "_trunks_by_slug",
        "_ways",
    )

    def __init__(
        self,
        *,
        agents: Iterable[Agent] = (),
        sites: Iterable[Site] = (),
        trunks: Iterable[Trunk] = (),
        dids: Iterable[Did] = (),
        phones: Iterable[Phone] = (),
        routes: Iterable[Route] = (),
        schedules: Iterable[Schedule] = (),
    ) -> None:
        self._agents = {row.id: row for row in agents}
        self._sites = {row.id: row for row in sites}
        self._trunks = {row.id: row for row in trunks}
        self._dids = {row.id: row for row in dids}
        self._phones = {row.id: row for row in phones}
        self._schedules = {row.id: row for row in schedules}
        self._routes = {row.id: row for row in routes}
        self._phones_by_extension = {phone.extension: phone for phone in self.phones}
        self._by_extension = {agent.extension: agent for agent in self.agents}
        self._by_did = {did.number: did for did in self.dids}
        self._trunks_by_slug = {trunk.slug: trunk for trunk in self.trunks}
        ways: dict[UUID, list[Trunk]] = {}
        for trunk in sorted(self.trunks, key=lambda t: (t.priority, t.slug)):
            if trunk.active:
                ways.setdefault(trunk.site_id, []).append(trunk)
        self._ways = {site_id: tuple(found) for site_id, found in ways.items()}

    def same_as(self, other: "Directory") -> bool:
        """Whether both say the same."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("_agents", "_sites", "_trunks", "_dids", "_phones", "_routes", "_schedules")
        )

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Every user with a phone, the inactive ones too (calls in progress may still be theirs)."""
        return tuple(self._agents.values())

    @property
    def sites(self) -> tuple[Site, ...]:
        return tuple(self._sites.values())

    @property
    def trunks(self) -> tuple[Trunk, ...]:
        return tuple(self._trunks.values())

    @property
    def dids(self) -> tuple[Did, ...]:
        return tuple(self._dids.values())

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Physical phones; agents' phones are in ``agents``."""
        return tuple(self._phones.values())

    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(self._routes.values())

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        return tuple(self._schedules.values())

    def phone(self, phone_id: UUID) -> Phone | None:
        return self._phones.get(phone_id)

    def phone_by_extension(self, extension: str) -> Phone | None:
        """The physical phone with this extension."""
        return self._phones_by_extension.get(extension)

    def schedule(self, schedule_id: UUID) -> Schedule | None:
        return self._schedules.get(schedule_id)

    def agent(self, user_id: UUID) -> Agent | None:
        return self._agents.get(user_id)

    def agent_by_extension(self, extension: str) -> Agent | None:
        return self._by_extension.get(extension)

    def site(self, site_id: UUID) -> Site | None:
        return self._sites.get(site_id)

    def ways(self, site_id: UUID, number: str) -> tuple[Trunk, ...]:
        """The trunks by which a call of the site to ``number`` (E.164, or a short number) may leave, best first.

        The site's routes whose prefix begins the number, the longest prefix first, then by priority; then the site's
        own trunks that no route named, as the last resort of a site all of whose routes failed. Inactive ones are out.
        """
        found = [r for r in self._routes.values() if r.site_id == site_id and number.startswith(r.prefix)]
        found.sort(key=lambda r: (-len(r.prefix), r.priority, str(r.id)))
        named = (self._trunks.get(route.trunk_id) for route in found)
        routed = [trunk for trunk in named if trunk is not None and trunk.active]
        return tuple({t.id: t for t in (*routed, *self.trunks_of_site(site_id))}.values())

    def did_by_number(self, number: str) -> Did | None:
        """The DID with this E.164 number."""
        return self._by_did.get(number)

    def trunk_by_slug(self, slug: str) -> Trunk | None:
        return self._trunks_by_slug.get(slug)

    def trunks_of_site(self, site_id: UUID) -> tuple[Trunk, ...]:
        """A site's own trunks that are in use, the one to try first in front; empty when it has none."""
        return self._ways.get(site_id, ())
