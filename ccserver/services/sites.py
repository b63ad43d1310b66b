"""Sites: list, create, edit, delete; every change told to open pages and to telephony."""

import zoneinfo
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import SiteRow
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound
from ccserver.domain.site import check_site
from ccserver.domain.trunk import vpn_errors
from ccserver.domain.version import Versions, version_at
from ccserver.services import changes
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.storage import sites, trunks
from ccserver.storage.pool import Connection, Database

ZONES = frozenset(zoneinfo.available_timezones())
"""Read once when the module is imported: it walks the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDraft:
    """A site to be made, its values as somebody wrote them."""

    slug: str
    name: str
    zone: str = "Europe/Paris"
    country: str = "FR"
    caller_id: str = ""
    area: str = ""
    subnets: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    allowed_prefixes: tuple[str, ...] = ()


class Sites:
    """Use cases of sites; each needs an actor who may manage sites."""

    def __init__(self, database: Database, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._heralds = heralds
        self._clock = clock

    async def list_sites(self, actor: Actor) -> tuple[SiteRow, ...]:
        """The tenant's sites by name."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await sites.list_sites(connection))

    async def get(self, actor: Actor, site_id: UUID) -> SiteRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return await _found(connection, site_id)

    async def create(self, actor: Actor, draft: SiteDraft) -> SiteRow:
        """Raises Invalid, Conflict (slug_taken, name_taken)."""
        now = self._clock()
        site = check_site(SiteRow(id=new_id(now), version=version_at(now), **asdict(draft)), ZONES)
        async with self._database.tenant(actor.tenant_id) as connection:
            await sites.insert_site(connection, actor.tenant_id, site, now)
            await changes.record(connection, actor, now, "site.create", site.id, {"slug": site.slug})
        await self._heralds.tell(actor, changes.put(actor, site))
        return site

    async def edit(
        self, actor: Actor, site_id: UUID, edit: Mapping[str, Any], versions: Versions = None
    ) -> SiteRow:
        """Change the fields that ``edit`` names; the slug stays, for Asterisk and the history know the site by it.

        Raises NotFound, ChangedMeanwhile, Invalid (networks that would leave a gateway of the site outside:
        trunk_outside_vpn), Conflict name_taken.
        """
        async with self._database.tenant(actor.tenant_id) as connection:
            before = await _found(connection, site_id, lock=True)
            await changes.refuse_stale(connection, before, versions, "site")
            now = self._clock()
            after = check_site(msgspec.structs.replace(before, **edit), ZONES, known=True)
            if after.subnets != before.subnets:
                await _check_gateways(connection, after)
            version = await sites.update_site(connection, after, now)
            after = msgspec.structs.replace(after, version=version)
            await changes.record(
                connection, actor, now, "site.edit", site_id, changes.difference(before, after)
            )
        await self._heralds.tell(actor, changes.put(actor, after))
        return after

    async def delete(self, actor: Actor, site_id: UUID, versions: Versions = None) -> None:
        """Raises NotFound, ChangedMeanwhile, Conflict site_in_use with the number of users, phones, dids and trunks."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            site = await _found(connection, site_id, lock=True)
            await changes.refuse_stale(connection, site, versions, "site")
            uses = await sites.site_uses(connection, site_id)
            if any(uses.values()):
                raise Conflict("site_in_use", **{name: str(count) for name, count in uses.items()})
            await sites.delete_site(connection, site_id)
            await changes.record(connection, actor, now, "site.delete", site_id, {"slug": site.slug})
        await self._heralds.tell(actor, changes.gone(actor, site))


async def _found(connection: Connection, site_id: UUID, *, lock: bool = False) -> SiteRow:
    site = await sites.get_site(connection, site_id, lock=lock)
    if site is None:
        raise NotFound
    return site


async def _check_gateways(connection: Connection, site: SiteRow) -> None:
    """Raises Invalid when a gateway that is the site's would stand outside its networks."""
    outside = [
        t.slug for t in await trunks.trunks_of_site(connection, site.id) if vpn_errors(t, site.subnets)
    ]
    if outside:
        raise Invalid(FieldError("subnets", "trunk_outside_vpn", (("trunks", ", ".join(outside)),)))
