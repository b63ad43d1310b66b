"""Numbers that outside callers dial."""

from datetime import datetime
from uuid import UUID

from ccserver.domain.account import DidRow
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("dids")


async def insert_did(connection: Connection, tenant_id: UUID, did: DidRow, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict number_taken, Invalid for an unknown site or user."""
    await connection.execute(
        _SQL["insert_did"], did.id, tenant_id, did.site_id, did.number, did.user_id, did.label, at
    )


async def list_dids(connection: Connection) -> list[DidRow]:
    """Every DID that the connection sees, by number."""
    return [DidRow(**row) for row in await connection.fetch(_SQL["list_dids"])]
