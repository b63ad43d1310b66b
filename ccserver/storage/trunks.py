"""Trunks of a tenant's sites. Their secrets come sealed and are never read here."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ccserver.domain.account import TrunkRow
from ccserver.domain.version import version_at
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("trunks")


async def insert_trunk(
    connection: Connection,
    tenant_id: UUID,
    trunk: TrunkRow,
    at: datetime,
    sealed_secret: bytes | None = None,
) -> None:
    """Raises (at the transaction's border) Conflict (see constraints), Invalid for an unknown site."""
    await connection.execute(_SQL["lock_networks"])
    await connection.execute(_SQL["insert_trunk"], trunk.id, tenant_id, *_values(trunk), sealed_secret, at)


async def update_trunk(connection: Connection, trunk: TrunkRow, at: datetime) -> str:
    """Write everything but the secret; its new version. Raises as ``insert_trunk``."""
    await connection.execute(_SQL["lock_networks"])
    return version_at(await connection.fetchval(_SQL["update_trunk"], trunk.id, *_values(trunk), at))


async def set_secret(connection: Connection, trunk_id: UUID, sealed_secret: bytes | None) -> None:
    """None: the trunk has no secret any more."""
    await connection.execute(_SQL["set_trunk_secret"], trunk_id, sealed_secret)


async def list_trunks(connection: Connection) -> list[TrunkRow]:
    """Every trunk that the connection sees, by site and priority."""
    return [_trunk(row) for row in await connection.fetch(_SQL["list_trunks"])]


async def trunks_of_site(connection: Connection, site_id: UUID) -> list[TrunkRow]:
    """The site's own trunks by priority, those out of use too."""
    return [_trunk(row) for row in await connection.fetch(_SQL["trunks_of_site"], site_id)]


async def get_trunk(connection: Connection, trunk_id: UUID, *, lock: bool = False) -> TrunkRow | None:
    """One trunk as seen through the connection; ``lock`` holds it, and who would point to it, until the end."""
    if lock:
        await connection.execute(_SQL["lock_trunk"], trunk_id)
    row = await connection.fetchrow(_SQL["get_trunk"], trunk_id)
    return None if row is None else _trunk(row)


async def trunk_uses(connection: Connection, trunk_id: UUID) -> int:
    """How many outgoing routes name the trunk."""
    return int(await connection.fetchval(_SQL["trunk_uses"], trunk_id))


async def delete_trunk(connection: Connection, trunk_id: UUID) -> None:
    await connection.execute(_SQL["delete_trunk"], trunk_id)


def _values(trunk: TrunkRow) -> tuple[Any, ...]:
    return (
        trunk.site_id,
        trunk.slug,
        trunk.host,
        trunk.port,
        list(trunk.codecs),
        trunk.priority,
        trunk.name,
        trunk.preset,
        trunk.mode,
        trunk.transport,
        trunk.username,
        trunk.from_domain,
        list(trunk.addresses),
        trunk.number_format,
        trunk.dial_prefix,
        trunk.qualify_seconds,
        trunk.active,
    )


def _trunk(row: asyncpg.Record) -> TrunkRow:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return TrunkRow(version=version_at(values.pop("updated_at")), **values)
