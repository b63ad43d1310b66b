"""Numbers that outside callers dial, and where they are sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ccserver.domain.account import DidRow
from ccserver.domain.errors import Conflict
from ccserver.domain.version import version_at
from ccserver.storage.directory import destination_of
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("dids")


async def insert_did(connection: Connection, tenant_id: UUID, did: DidRow, at: datetime) -> None:
    """Raises Conflict number_taken, and (at the transaction's border) Invalid for an unknown site or user."""
    if not await insert_dids(connection, tenant_id, [did], at):
        raise Conflict("number_taken", field="number")


async def insert_dids(
    connection: Connection, tenant_id: UUID, dids: Sequence[DidRow], at: datetime
) -> set[str]:
    """Insert numbers that share everything but id and number; the numbers that were free.

    Unless all of them were, the caller raises, so that none is kept. Raises (at the transaction's border) Invalid.
    """
    first = dids[0]
    rows = await connection.fetch(
        _SQL["insert_dids"],
        [did.id for did in dids],
        [did.number for did in dids],
        tenant_id,
        first.site_id,
        first.label,
        first.schedule_id,
        *_flat(first),
        first.ring_seconds,
        at,
    )
    return {row["number"] for row in rows}


async def update_dids(connection: Connection, dids: Sequence[DidRow], at: datetime) -> dict[UUID, str]:
    """Write everything but the number of numbers that share all but id, number and label; their new versions.

    Raises (at the transaction's border) Invalid for what does not exist.
    """
    first = dids[0]
    rows = await connection.fetch(
        _SQL["update_dids"],
        [did.id for did in dids],
        [did.label for did in dids],
        first.site_id,
        first.schedule_id,
        *_flat(first),
        first.ring_seconds,
        at,
    )
    return {row["id"]: version_at(row["updated_at"]) for row in rows}


async def page_of_dids(
    connection: Connection, *, text: str, digits: str, site_id: UUID | None, after: str, limit: int
) -> tuple[list[DidRow], int]:
    """DIDs by number, and how many there are on all pages.

    ``text`` is looked for in labels, hours and whom callers reach, ``digits`` ("" for none) in numbers. ``after``: the
    last number of the page before.
    """
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = await connection.fetch(
        _SQL["page_of_dids"],
        f"%{escaped}%" if text else None,
        f"%{digits}%" if digits else None,
        site_id,
        after or None,
        limit,
    )
    return [_did(row) for row in rows], rows[0]["total"] if rows else 0


async def count_dids(connection: Connection) -> list[tuple[UUID, UUID | None, int]]:
    """How many numbers each site has that follow each schedule (None: none)."""
    rows = await connection.fetch(_SQL["count_dids"])
    return [(row["site_id"], row["schedule_id"], row["dids"]) for row in rows]


async def lock_dids(connection: Connection, did_ids: Sequence[UUID]) -> list[DidRow]:
    """Those of them that there are, held until the transaction ends."""
    return [_did(row) for row in await connection.fetch(_SQL["lock_dids"], list(did_ids))]


async def dids_of_range(
    connection: Connection, site_id: UUID, first: str, last: str, limit: int
) -> list[UUID]:
    """The site's numbers from ``first`` to ``last`` (E.164, of one length), at most ``limit``."""
    rows = await connection.fetch(_SQL["dids_of_range"], site_id, first, last, limit)
    return [row["id"] for row in rows]


async def get_did(connection: Connection, did_id: UUID, *, lock: bool = False) -> DidRow | None:
    """One DID as seen through the connection; ``lock`` holds it until the transaction ends."""
    if lock:
        await connection.execute(_SQL["lock_did"], did_id)
    row = await connection.fetchrow(_SQL["get_did"], did_id)
    return None if row is None else _did(row)


async def delete_did(connection: Connection, did_id: UUID) -> None:
    await connection.execute(_SQL["delete_did"], did_id)


async def forwards(connection: Connection, tenant_id: UUID) -> Mapping[str, tuple[str, ...]]:
    """Where numbers are forwarded to, by number; no forward of the tenant changes until the transaction ends."""
    await connection.execute(_SQL["lock_forwards"], str(tenant_id))
    rows = await connection.fetch(_SQL["forwards"])
    return {row["number"]: tuple(to for to in tuple(row)[1:] if to) for row in rows}


async def why_not_ring(connection: Connection, user_id: UUID) -> str:
    """Why callers cannot be sent to this user: unknown, user_inactive, user_without_phone; "" when they can."""
    found = await connection.fetchrow(_SQL["user_to_ring"], user_id)
    if found is None:
        return "unknown"
    if not found["active"]:
        return "user_inactive"
    return "" if found["phone"] else "user_without_phone"


async def is_physical_phone(connection: Connection, phone_id: UUID) -> bool:
    return bool(await connection.fetchval(_SQL["physical_phone"], phone_id))


def _flat(did: DidRow) -> tuple[Any, ...]:
    return tuple(
        value
        for place in (did.opened, did.closed, did.unanswered)
        for value in (place.target, place.user_id, place.phone_id, place.forward_to)
    )


def _did(row: asyncpg.Record) -> DidRow:
    return DidRow(
        id=row["id"],
        site_id=row["site_id"],
        number=row["number"],
        user_id=row["user_id"],
        label=row["label"],
        schedule_id=row["schedule_id"],
        ring_seconds=row["ring_seconds"],
        version=version_at(row["updated_at"]),
        opened=destination_of(row),
        closed=destination_of(row, "closed_"),
        unanswered=destination_of(row, "unanswered_"),
    )
