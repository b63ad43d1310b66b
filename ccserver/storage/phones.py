"""Phones: extensions with their sealed SIP passwords, and the tickets by which softphones fetch an account once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from ccserver.domain.station import PhoneRow
from ccserver.domain.version import version_at
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("phones")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhone:
    """A phone to insert: an agent's own (``user_id``) or a physical one (``site_id``)."""

    id: UUID
    tenant_id: UUID
    extension: str
    sealed_secret: bytes = field(repr=False)
    user_id: UUID | None = None
    site_id: UUID | None = None
    kind: str = "softphone"
    mobile: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """What setting up a phone needs beside its row. ``active``: its agent, if it has one, may still use it."""

    sealed_secret: bytes = field(repr=False)
    codecs: tuple[str, ...]
    active: bool


async def insert_phones(connection: Connection, phones: Iterable[NewPhone], at: datetime) -> None:
    """Raises (at the transaction's border) Conflict extension_taken, Invalid for an unknown site."""
    await connection.executemany(
        _SQL["insert_phone"],
        [
            (
                p.id,
                p.tenant_id,
                p.user_id,
                p.site_id,
                p.kind,
                p.extension,
                p.mobile,
                p.label,
                p.sealed_secret,
                at,
            )
            for p in phones
        ],
    )


async def insert_phone(
    connection: Connection,
    *,
    phone_id: UUID,
    tenant_id: UUID,
    user_id: UUID,
    extension: str,
    sealed_secret: bytes,
    at: datetime,
    kind: str = "softphone",
    mobile: str = "",
) -> None:
    """One agent's phone. Raises (at the transaction's border) Conflict extension_taken."""
    phone = NewPhone(
        id=phone_id,
        tenant_id=tenant_id,
        user_id=user_id,
        extension=extension,
        sealed_secret=sealed_secret,
        kind=kind,
        mobile=mobile,
    )
    await insert_phones(connection, [phone], at)


async def set_extension(connection: Connection, user_id: UUID, extension: str, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict extension_taken."""
    await connection.execute(_SQL["set_extension"], user_id, extension, at)


async def set_station(connection: Connection, user_id: UUID, kind: str, mobile: str, at: datetime) -> None:
    await connection.execute(_SQL["set_station"], user_id, kind, mobile, at)


async def set_secret(connection: Connection, user_id: UUID, sealed_secret: bytes, at: datetime) -> None:
    """Of the phone of this user."""
    await connection.execute(_SQL["set_phone_secret"], user_id, sealed_secret, at)


async def renew_secret(connection: Connection, phone_id: UUID, sealed_secret: bytes, at: datetime) -> None:
    await connection.execute(_SQL["renew_phone_secret"], phone_id, sealed_secret, at)


async def update_physical(connection: Connection, phone: PhoneRow, at: datetime) -> str:
    """Its new version. Raises (at the transaction's border) Conflict extension_taken, Invalid for an unknown site."""
    return version_at(
        await connection.fetchval(
            _SQL["update_physical"], phone.id, phone.site_id, phone.extension, phone.label, at
        )
    )


async def delete_phone(connection: Connection, phone_id: UUID) -> None:
    await connection.execute(_SQL["delete_phone"], phone_id)


async def get_phone(connection: Connection, phone_id: UUID, *, lock: bool = False) -> PhoneRow | None:
    """One phone as seen through the connection; ``lock`` holds it until the transaction ends."""
    if lock:
        await connection.execute(_SQL["lock_phone"], phone_id)
    row = await connection.fetchrow(_SQL["get_phone"], phone_id)
    return None if row is None else _phone(row)


async def page_of_phones(
    connection: Connection, *, text: str, site_id: UUID | None, kind: str | None, after: str, limit: int
) -> list[PhoneRow]:
    """Phones by extension, shorter ones first. ``after``: the last extension of the page before."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = await connection.fetch(
        _SQL["page_of_phones"], f"%{escaped}%" if text else None, site_id, kind, after or None, limit
    )
    return [_phone(row) for row in rows]


async def taken_extensions(connection: Connection, extensions: Sequence[str]) -> list[str]:
    """Which of them have a phone already, among those that the connection sees."""
    rows = await connection.fetch(_SQL["taken_extensions"], list(extensions))
    return [row["extension"] for row in rows]


async def numbers_of_phone(connection: Connection, phone: PhoneRow) -> list[str]:
    """The numbers (E.164) whose callers would find nobody without this phone."""
    rows = await connection.fetch(_SQL["numbers_of_phone"], phone.id, phone.user_id)
    return [row["number"] for row in rows]


async def account_of_phone(connection: Connection, phone_id: UUID) -> PhoneAccount | None:
    row = await connection.fetchrow(_SQL["account_of_phone"], phone_id)
    return None if row is None else PhoneAccount(**{**row, "codecs": tuple(row["codecs"])})


async def insert_ticket(
    connection: Connection, token_hash: bytes, tenant_id: UUID, phone_id: UUID, at: datetime, until: datetime
) -> None:
    """The phone's one ticket: those before it, and everybody's that are over, are forgotten."""
    await connection.execute(_SQL["forget_tickets"], phone_id, at)
    await connection.execute(_SQL["insert_ticket"], token_hash, tenant_id, phone_id, at, until)


async def forget_tickets(connection: Connection, phone_id: UUID, at: datetime) -> None:
    """The phone's tickets are good no more."""
    await connection.execute(_SQL["forget_tickets"], phone_id, at)


async def use_ticket(connection: Connection, token_hash: bytes, at: datetime) -> tuple[UUID, UUID] | None:
    """Take a ticket that is still good, once: its tenant and phone. None for any other."""
    row = await connection.fetchrow(_SQL["use_ticket"], token_hash, at)
    return None if row is None else (row["tenant_id"], row["phone_id"])


def _phone(row: asyncpg.Record) -> PhoneRow:
    first, last, login = row["first_name"] or "", row["last_name"] or "", row["login"] or ""
    return PhoneRow(
        id=row["id"],
        kind=row["kind"],
        extension=row["extension"],
        user_id=row["user_id"],
        user=f"{first} {last}".strip() or login,
        site_id=row["site_id"],
        label=row["label"],
        mobile=row["mobile"],
        version=version_at(row["updated_at"]),
    )
