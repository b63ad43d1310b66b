"""The history of Asterisk's configuration: a row for each apply and rollback. For ``Database.system()`` only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from ccserver.domain.config import ConfigStep, ObjectChange, RevisionDetail, RevisionRow
from ccserver.storage.instants import seconds
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("config")

CONFIG_LOCK: Final = 0x63637365_00706278
"""Advisory lock of who changes Asterisk's configuration: "ccse" and "pbx"."""
KEPT_REVISIONS: Final = 20


class NewRevision(msgspec.Struct, frozen=True, kw_only=True):
    """A run that begins to be one of the history."""

    at: datetime
    user_id: UUID | None
    who: str
    origin: str
    action: str
    fingerprint: str
    files: tuple[str, ...]
    objects: tuple[ObjectChange, ...]
    left_out: tuple[str, ...]
    diff: str


async def insert_revision(connection: Connection, new: NewRevision) -> int:
    """The number of the new revision, which runs."""
    detail = msgspec.json.encode({"objects": new.objects, "left_out": new.left_out}).decode()
    values = (new.at, new.user_id, new.who, new.origin, new.action, new.fingerprint, list(new.files))
    return int(await connection.fetchval(_SQL["insert_revision"], *values, detail, new.diff))


async def end_revision(
    connection: Connection,
    revision: int,
    at: datetime,
    result: str,
    message: str,
    steps: Sequence[ConfigStep],
) -> None:
    """Its result; nothing happens when it has one already."""
    detail = msgspec.json.encode({"steps": steps}).decode()
    await connection.execute(_SQL["end_revision"], revision, at, result, message, detail)


async def end_lost_revisions(connection: Connection, at: datetime, message: str) -> None:
    """Rows that say that they run while nobody does (to be called under the lock)."""
    await connection.execute(_SQL["end_lost_revisions"], at, message)


async def list_revisions(connection: Connection, after: int | None, limit: int) -> list[RevisionRow]:
    """Newest first, those older than ``after``."""
    kept = await _kept(connection)
    return [_row(row, kept) for row in await connection.fetch(_SQL["list_revisions"], after, limit)]


async def get_revision(connection: Connection, revision: int) -> RevisionDetail | None:
    """One of them with its differences and steps."""
    row = await connection.fetchrow(_SQL["get_revision"], revision)
    if row is None:
        return None
    plain = _row(row, await _kept(connection))
    return RevisionDetail(
        **msgspec.structs.asdict(plain),
        diff=row["diff"],
        steps=msgspec.json.decode(row["steps"], type=tuple[ConfigStep, ...]),
        objects=msgspec.json.decode(row["objects"], type=tuple[ObjectChange, ...]),
    )


async def who_runs(connection: Connection) -> str:
    """Who is at it, perhaps on another machine; empty when nobody is."""
    return str(await connection.fetchval(_SQL["who_runs"]) or "")


async def sole_tenant(connection: Connection) -> UUID | None:
    """The tenant of an installation that has one; None when it has several, or none yet."""
    rows = await connection.fetch(_SQL["tenant_ids"])
    return rows[0]["id"] if len(rows) == 1 else None


async def _kept(connection: Connection) -> set[int]:
    """Revisions that can be gone back to: the last ones that were applied, without the one that runs now."""
    rows = await connection.fetch(_SQL["kept_revisions"], KEPT_REVISIONS)
    return {row["id"] for row in rows[1:]}


def _row(row: Any, kept: set[int]) -> RevisionRow:
    return RevisionRow(
        id=row["id"],
        at=row["at"].timestamp(),
        ended_at=seconds(row["ended_at"]),
        user_id=row["user_id"],
        who=row["who"],
        origin=row["origin"],
        action=row["action"],
        fingerprint=row["fingerprint"],
        result=row["result"],
        files=tuple(row["files"]),
        message=row["message"],
        changes=row["changes"],
        can_roll_back=row["id"] in kept,
    )
