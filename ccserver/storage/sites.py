"""Sites of a tenant."""

from datetime import datetime
from uuid import UUID

from ccserver.domain.account import SiteRow
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
        site.name,
        site.zone,
        site.country,
        site.caller_id,
        at,
    )


async def list_sites(connection: Connection) -> list[SiteRow]:
    """Every site that the connection sees, by name."""
    return [SiteRow(**row) for row in await connection.fetch(_SQL["list_sites"])]


async def get_site(connection: Connection, site_id: UUID) -> SiteRow | None:
    row = await connection.fetchrow(_SQL["get_site"], site_id)
    return None if row is None else SiteRow(**row)
