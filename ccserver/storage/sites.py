"""Sites of a tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ccserver.domain.account import SiteRow
from ccserver.domain.version import version_at
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("sites")


async def insert_site(connection: Connection, tenant_id: UUID, site: SiteRow, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict slug_taken, name_taken."""
    await connection.execute(
        _SQL["insert_site"],
        site.id,
        tenant_id,
        site.slug,
        *_values(site),
        at,
    )


async def update_site(connection: Connection, site: SiteRow, at: datetime) -> str:
    """Write everything but the slug; its new version. Raises (at the transaction's border) Conflict name_taken."""
    return version_at(await connection.fetchval(_SQL["update_site"], site.id, *_values(site), at))


async def list_sites(connection: Connection) -> list[SiteRow]:
    """Every site that the connection sees, by name."""
    return [_site(row) for row in await connection.fetch(_SQL["list_sites"])]


async def get_site(connection: Connection, site_id: UUID, *, lock: bool = False) -> SiteRow | None:
    """One site as seen through the connection; ``lock`` holds it, and who would point to it, until the end."""
    if lock:
        await connection.execute(_SQL["lock_site"], site_id)
    row = await connection.fetchrow(_SQL["get_site"], site_id)
    return None if row is None else _site(row)


async def site_uses(connection: Connection, site_id: UUID) -> Mapping[str, int]:
    """How many users, phones, dids and trunks are the site's."""
    row = await connection.fetchrow(_SQL["site_uses"], site_id)
    return dict(row or {})


async def delete_site(connection: Connection, site_id: UUID) -> None:
    """Its outgoing routes go with it; everything else of it must be gone already."""
    await connection.execute(_SQL["delete_site"], site_id)


def _values(site: SiteRow) -> tuple[Any, ...]:
    return (
        site.name,
        site.zone,
        site.country,
        site.caller_id,
        site.area,
        list(site.subnets),
        list(site.codecs),
        list(site.allowed_prefixes),
    )


def _site(row: asyncpg.Record) -> SiteRow:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return SiteRow(version=version_at(values.pop("updated_at")), **values)
