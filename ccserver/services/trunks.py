"""Trunks of sites: list, create, edit, delete; every change told to open pages and to telephony."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import TrunkRow
from ccserver.domain.errors import Conflict, FieldError, Invalid, NotFound
from ccserver.domain.trunk import PRESETS, TrunkPreset, check_trunk
from ccserver.domain.version import Versions, version_at
from ccserver.services import changes
from ccserver.services.base import Clock, Heralds, new_id
from ccserver.storage import sites, trunks
from ccserver.storage.pool import Connection, Database
from ccserver.storage.vault import Vault

_OF_PRESET = (
    "mode",
    "host",
    "port",
    "transport",
    "codecs",
    "from_domain",
    "number_format",
    "dial_prefix",
    "qualify_seconds",
)
"""What a new trunk takes from its preset when nobody says otherwise."""


class Trunks:
    """Use cases of trunks; each needs an actor who may manage sites. Secrets go in and never come out."""

    def __init__(self, database: Database, vault: Vault, heralds: Heralds, *, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._heralds = heralds
        self._clock = clock

    def presets(self) -> tuple[TrunkPreset, ...]:
        """The kinds of gateways and operators that we know the wishes of."""
        return tuple(PRESETS.values())

    async def list_trunks(self, actor: Actor) -> tuple[TrunkRow, ...]:
        """The tenant's trunks by site and priority."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return tuple(await trunks.list_trunks(connection))

    async def get(self, actor: Actor, trunk_id: UUID) -> TrunkRow:
        """Raises NotFound."""
        async with self._database.tenant(actor.tenant_id) as connection:
            return await _found(connection, trunk_id)

    async def create(self, actor: Actor, draft: Mapping[str, Any], secret: str = "") -> TrunkRow:
        """Make a trunk of the row's fields that ``draft`` names: site_id and slug at least, the rest by its preset.

        Raises Invalid (the site included), Conflict (slug_taken, address_taken, account_taken, addresses_overlap).
        """
        now = self._clock()
        preset = PRESETS[draft.get("preset", "generic")]
        usual = {name: getattr(preset, name) for name in _OF_PRESET}
        wanted = TrunkRow(**{"id": new_id(now), "version": version_at(now), "priority": 1, **usual, **draft})
        async with self._writing(actor, wanted) as connection:
            trunk = check_trunk(wanted, secret, await _subnets(connection, wanted.site_id))
            sealed = self._vault.seal(secret) if secret else None
            await trunks.insert_trunk(connection, actor.tenant_id, trunk, now, sealed)
            await changes.record(connection, actor, now, "trunk.create", trunk.id, {"slug": trunk.slug})
        await self._heralds.tell(actor, changes.put(actor, trunk))
        return trunk

    async def edit(
        self,
        actor: Actor,
        trunk_id: UUID,
        edit: Mapping[str, Any],
        secret: str | None = None,
        versions: Versions = None,
    ) -> TrunkRow:
        """Change the fields that ``edit`` names. ``secret``: None keeps the present one, "" takes it away.

        Raises NotFound, ChangedMeanwhile, Invalid, Conflict (slug_taken, address_taken, account_taken,
        addresses_overlap).
        """
        before = await self.get(actor, trunk_id)
        async with self._writing(actor, msgspec.structs.replace(before, **edit)) as connection:
            before = await _found(connection, trunk_id, lock=True)
            await changes.refuse_stale(connection, before, versions, "trunk")
            now = self._clock()
            wanted = msgspec.structs.replace(before, **edit)
            if secret is None and wanted.mode == "peer" and not wanted.username:
                secret = ""  # nobody is left whose secret it could be
            after = check_trunk(wanted, secret, await _subnets(connection, wanted.site_id))
            version = await trunks.update_trunk(connection, after, now)
            after = msgspec.structs.replace(after, version=version)
            detail = changes.difference(before, after)
            if secret is not None and (secret or before.has_secret):
                await trunks.set_secret(connection, trunk_id, self._vault.seal(secret) if secret else None)
                detail["secret"] = "changed"  # noqa: S105 - says that it was, not what it is
            await changes.record(connection, actor, now, "trunk.edit", trunk_id, detail)
        await self._heralds.tell(actor, *changes.moved(actor, before, after))
        return after

    async def delete(self, actor: Actor, trunk_id: UUID, versions: Versions = None) -> None:
        """Raises NotFound, ChangedMeanwhile, Conflict trunk_in_use with the number of routes that name it."""
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            trunk = await _found(connection, trunk_id, lock=True)
            await changes.refuse_stale(connection, trunk, versions, "trunk")
            uses = await trunks.trunk_uses(connection, trunk_id)
            if uses:
                raise Conflict("trunk_in_use", routes=str(uses))
            await trunks.delete_trunk(connection, trunk_id)
            await changes.record(connection, actor, now, "trunk.delete", trunk_id, {"slug": trunk.slug})
        await self._heralds.tell(actor, changes.gone(actor, trunk))

    @asynccontextmanager
    async def _writing(self, actor: Actor, wanted: TrunkRow) -> AsyncIterator[Connection]:
        """A transaction whose clash of networks is told on the field that can mend it."""
        try:
            async with self._database.tenant(actor.tenant_id) as connection:
                yield connection
        except Conflict as error:
            if error.code == "addresses_overlap":
                raise Conflict(error.code, field="addresses" if wanted.addresses else "host") from error
            raise


async def _found(connection: Connection, trunk_id: UUID, *, lock: bool = False) -> TrunkRow:
    trunk = await trunks.get_trunk(connection, trunk_id, lock=lock)
    if trunk is None:
        raise NotFound
    return trunk


async def _subnets(connection: Connection, site_id: UUID) -> tuple[str, ...]:
    """The networks of the trunk's site, which cannot change before the trunk is stored."""
    site = await sites.get_site(connection, site_id, lock=True)
    if site is None:
        raise Invalid(FieldError("site_id", "unknown"))
    return site.subnets
