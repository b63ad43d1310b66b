"""Trunks of a tenant's sites."""

from datetime import datetime
from uuid import UUID

from ccserver.domain.account import TrunkRow
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("trunks")


async def insert_trunk(connection: Connection, tenant_id: UUID, trunk: TrunkRow, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict slug_taken or address_taken, Invalid for the site."""
    await connection.execute(
        _SQL["insert_trunk"],
        trunk.id,
        tenant_id,
        trunk.site_id,
        trunk.slug,
        trunk.host,
        trunk.port,
        list(trunk.codecs),
        trunk.priority,
        at,
    )


async def list_trunks(connection: Connection) -> list[TrunkRow]:
    """Every trunk that the connection sees, by site and priority."""
    rows = await connection.fetch(_SQL["list_trunks"])
    return [TrunkRow(**{**row, "codecs": tuple(row["codecs"])}) for row in rows]
