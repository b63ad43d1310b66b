"""Phones: a user's extension and the sealed SIP password."""

from datetime import datetime
from uuid import UUID

from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("phones")


async def insert_phone(
    connection: Connection,
    *,
    phone_id: UUID,
    tenant_id: UUID,
    user_id: UUID,
    extension: str,
    sealed_secret: bytes,
    at: datetime,
) -> None:
    """Raises (at the transaction's border) Conflict extension_taken."""
    await connection.execute(_SQL["insert_phone"], phone_id, tenant_id, user_id, extension, sealed_secret, at)


async def set_extension(connection: Connection, user_id: UUID, extension: str, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict extension_taken."""
    await connection.execute(_SQL["set_extension"], user_id, extension, at)


async def set_secret(connection: Connection, user_id: UUID, sealed_secret: bytes, at: datetime) -> None:
    await connection.execute(_SQL["set_phone_secret"], user_id, sealed_secret, at)


async def delete_phone(connection: Connection, user_id: UUID) -> None:
    await connection.execute(_SQL["delete_phone"], user_id)
