"""The audit log: who did what to what, in the same transaction as the deed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("audit")


async def record(
    connection: Connection,
    *,
    entry_id: UUID,
    tenant_id: UUID,
    at: datetime,
    user_id: UUID | None,
    action: str,
    target: str = "",
    detail: Mapping[str, str] | None = None,
) -> None:
    """Write one line. ``detail`` must hold no secret: it is shown to administrators."""
    encoded = msgspec.json.encode(detail or {}).decode()
    await connection.execute(_SQL["insert_audit"], entry_id, tenant_id, at, user_id, action, target, encoded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the audit log to be written with others."""

    id: UUID
    action: str
    target: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastChange:
    """Who (name) changed a thing last, and when."""

    at: datetime
    user_id: UUID | None
    name: str


async def last_change(connection: Connection, target: str, noun: str, since: UUID) -> LastChange | None:
    """The newest change of ``target`` by an action of ``noun``, not older than the id ``since``."""
    row = await connection.fetchrow(_SQL["last_change"], target, noun, since)
    return None if row is None else LastChange(**row)


async def record_all(
    connection: Connection, lines: Iterable[Line], *, tenant_id: UUID, at: datetime, user_id: UUID | None
) -> None:
    """Write many lines of one deed. No ``detail`` may hold a secret."""
    await connection.executemany(
        _SQL["insert_audit"],
        [
            (
                line.id,
                tenant_id,
                at,
                user_id,
                line.action,
                line.target,
                msgspec.json.encode(line.detail).decode(),
            )
            for line in lines
        ],
    )
