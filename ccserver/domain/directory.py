"""Who can be reached and how: agents, sites, trunks and numbers as the telephony owner knows them.

A directory is one consistent picture, read again as a whole whenever something in it changes.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """A user with a phone. ``extension`` is unique over all tenants: one Asterisk serves them all."""

    id: UUID
    tenant_id: UUID
    login: str
    name: str
    site_id: UUID | None
    extension: str
    active: bool


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place. ``zone`` is an IANA zone, ``country`` ISO 3166 alpha-2, ``caller_id`` E.164 or empty."""

    id: UUID
    tenant_id: UUID
    slug: str
    name: str
    zone: str
    country: str
    caller_id: str


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """A way from Asterisk to a site's gateway; the lowest ``priority`` is tried first."""

    id: UUID
    tenant_id: UUID
    site_id: UUID
    slug: str
    host: str
    port: int
    codecs: tuple[str, ...]
    priority: int


class Did(msgspec.Struct, frozen=True, kw_only=True):
    """A number that outside callers dial (E.164) and the agent whose phone it rings, if any."""

    id: UUID
    tenant_id: UUID
    number: str
    site_id: UUID
    user_id: UUID | None
    label: str


class PhoneSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk must know of one phone, in clear: only rendering and provisioning may hold it."""

    user_id: UUID
    extension: str
    secret: str

    def __repr__(self) -> str:
        return f"PhoneSecret(user_id={self.user_id}, extension={self.extension!r}, secret=***)"


class Directory:
    """All of it, with the look-ups that routing needs. Immutable: a change makes a new one."""

    __slots__ = (
        "_agents",
        "_by_did",
        "_by_extension",
        "_dids",
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
    ) -> None:
        self._agents = {row.id: row for row in agents}
        self._sites = {row.id: row for row in sites}
        self._trunks = {row.id: row for row in trunks}
        self._dids = {row.id: row for row in dids}
        self._by_extension = {agent.extension: agent for agent in self.agents}
        self._by_did = {did.number: did for did in self.dids}
        self._trunks_by_slug = {trunk.slug: trunk for trunk in self.trunks}
        ways: dict[UUID, list[Trunk]] = {}
        for trunk in sorted(self.trunks, key=lambda t: (t.priority, t.slug)):
            ways.setdefault(trunk.site_id, []).append(trunk)
        self._ways = {site_id: tuple(found) for site_id, found in ways.items()}

    def same_as(self, other: "Directory") -> bool:
        """Whether both say the same."""
        mine = (self._agents, self._sites, self._trunks, self._dids)
        return mine == (other._agents, other._sites, other._trunks, other._dids)

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

    def agent(self, user_id: UUID) -> Agent | None:
        return self._agents.get(user_id)

    def agent_by_extension(self, extension: str) -> Agent | None:
        return self._by_extension.get(extension)

    def site(self, site_id: UUID) -> Site | None:
        return self._sites.get(site_id)

    def did_by_number(self, number: str) -> Did | None:
        """The DID with this E.164 number."""
        return self._by_did.get(number)

    def trunk_by_slug(self, slug: str) -> Trunk | None:
        return self._trunks_by_slug.get(slug)

    def trunks_of_site(self, site_id: UUID) -> tuple[Trunk, ...]:
        """A site's trunks, the one to try first in front; empty when it has none."""
        return self._ways.get(site_id, ())
