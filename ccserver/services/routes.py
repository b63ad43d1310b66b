"""Outgoing routes of sites: which trunks their calls try; and which way a call would take now."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import RouteRow
from ccserver.domain.board import LinkRow
from ccserver.domain.dialling import allowed
from ccserver.domain.errors import FieldError, Invalid, NotFound
from ccserver.domain.numbers import to_e164
from ccserver.domain.route import RouteLine, check_routes
from ccserver.domain.routing import ways_out
from ccserver.domain.version import Versions, version_of_list
from ccserver.live.reach import LOGIN
from ccserver.live.view import LiveView
from ccserver.services import changes
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.storage import routes, sites
from ccserver.storage.directory import load_directory
from ccserver.storage.pool import Connection, Database


class TrunkWay(msgspec.Struct, frozen=True, kw_only=True):
    """A trunk that a call would try. ``up`` None: nobody knows at this moment."""

    id: UUID
    slug: str
    up: bool | None


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """The trunks that a call to ``number`` (E.164, or short) would try, in order; none when it is not ``allowed``."""

    number: str
    allowed: bool
    trunks: tuple[TrunkWay, ...]


class SiteRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """A site's outgoing routes, which are replaced as a whole; ``version`` is that of the list."""

    site_id: UUID
    items: tuple[RouteRow, ...]
    version: str

    @property
    def id(self) -> UUID:
        """What the audit log calls the list: its site."""
        return self.site_id


class AllRoutes(msgspec.Struct, frozen=True, kw_only=True):
    """Outgoing routes of every site; ``versions``: that of each site's list, of empty lists too."""

    items: tuple[RouteRow, ...]
    versions: dict[UUID, str]


class Routes:
    """Use cases of outgoing routes; each needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, view: LiveView, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock
        self._view = view

    async def list_routes(self, actor: Actor) -> AllRoutes:
        """The tenant's routes by site, prefix and priority."""
        async with self._database.tenant(actor.tenant_id) as connection:
            found = tuple(await routes.list_routes(connection))
            known = [site.id for site in await sites.list_sites(connection)]
        versions = {site: _version([r for r in found if r.site_id == site]) for site in known}
        return AllRoutes(items=found, versions=versions)

    async def of_site(self, actor: Actor, site_id: UUID) -> SiteRoutes:
        """One site's routes. Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            if await sites.get_site(connection, site_id) is None:
                raise NotFound
            found = await routes.routes_of_site(connection, site_id)
        return _list(site_id, found)

    async def replace(
        self, actor: Actor, site_id: UUID, lines: Sequence[RouteLine], versions: Versions = None
    ) -> SiteRoutes:
        """Make these the site's routes, all of them or none. A route that stays keeps its id.

        Raises NotFound, ChangedMeanwhile, Invalid naming lines by their place.
        """
        kept = check_routes(lines)
        async with self._database.tenant(actor.tenant_id) as connection:
            # The lock: of two administrators who save at the same instant, the later one replaces the whole list.
            if await sites.get_site(connection, site_id, lock=True) is None:
                raise NotFound
            before = await routes.routes_of_site(connection, site_id)
            await changes.refuse_stale(connection, _list(site_id, before), versions, "routes")
            now = self._clock()
            await _check_trunks(connection, kept)
            known = {(route.prefix, route.trunk_id): route.id for route in before}
            after = tuple(
                RouteRow(
                    id=known.get((line.prefix, line.trunk_id)) or new_id(now),
                    site_id=site_id,
                    trunk_id=line.trunk_id,
                    prefix=line.prefix,
                    priority=line.priority,
                )
                for line in kept
            )
            await routes.replace_routes(connection, actor.tenant_id, before, after, now)
            detail = {"before": _said(before), "after": _said(after)}
            await changes.record(connection, actor, now, "routes.replace", site_id, detail)
        await self._heralds.tell(
            actor,
            *(changes.gone(actor, r) for r in before if r.id not in {route.id for route in after}),
            *(changes.put(actor, r) for r in after if r not in before),
        )
        return _list(site_id, after)

    async def ways(self, actor: Actor, site_id: UUID, number: str) -> Ways:
        """Which way a call of the site to ``number`` (as typed there) would take now. Raises NotFound, Invalid."""
        async with self._database.tenant(actor.tenant_id) as connection:
            directory = await load_directory(connection)
        site = directory.site(site_id)
        if site is None:
            raise NotFound
        wanted = to_e164(number, site.country, area=site.area)
        if not allowed(site, wanted):
            return Ways(number=wanted, allowed=False, trunks=())
        found = ways_out(
            directory,
            site,
            wanted,
            lambda slug: trunk_up(self._view, slug) is not False,
            lambda slug: trunk_answers(self._view, slug) is not False,
        )
        return Ways(
            number=wanted,
            allowed=True,
            trunks=tuple(TrunkWay(id=t.id, slug=t.slug, up=trunk_up(self._view, t.slug)) for t in found),
        )


def trunk_up(view: LiveView, slug: str) -> bool | None:
    """Whether a trunk answers Asterisk and lets it log in, as this node sees it; None while it sees nothing, or of one
    not asked.
    """
    row = _link(view, slug)
    return None if row is None else row.up


def trunk_answers(view: LiveView, slug: str) -> bool | None:
    """The same of its keep-alive alone."""
    row = _link(view, slug)
    return None if row is None else row.up or row.detail.startswith(LOGIN)


def _link(view: LiveView, slug: str) -> LinkRow | None:
    change = view.row("links", f"trunk:{slug}")
    if change is None or view.blind_since is not None:
        return None
    return msgspec.json.decode(change.row, type=LinkRow)


async def _check_trunks(connection: Connection, lines: Sequence[RouteLine]) -> None:
    known = await routes.known_trunks(connection, (line.trunk_id for line in lines))
    unknown = [
        FieldError(f"routes[{index}].trunk_id", "unknown")
        for index, line in enumerate(lines)
        if line.trunk_id not in known
    ]
    if unknown:
        raise Invalid(*unknown)


def _list(site_id: UUID, found: Sequence[RouteRow]) -> SiteRoutes:
    return SiteRoutes(site_id=site_id, items=tuple(found), version=_version(found))


def _version(found: Sequence[RouteRow]) -> str:
    """The same whatever the order in which the rows were read."""
    return version_of_list(sorted(f"{r.prefix} {r.priority} {r.trunk_id} {r.id}" for r in found))


def _said(found: Sequence[RouteRow]) -> str:
    return "; ".join(f"{route.prefix or '*'} {route.priority} {route.trunk_id}" for route in found)
