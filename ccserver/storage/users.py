"""Users: rows of the table, of their scope, and what a login must know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from ccserver.domain.access import Role
from ccserver.domain.account import UserRow
from ccserver.domain.version import version_at
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("users")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What checking a password needs. The hash never goes further up than the services."""

    id: UUID
    tenant_id: UUID
    login: str
    role: Role
    password_hash: str
    must_change_password: bool
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """A user to insert."""

    id: UUID
    tenant_id: UUID
    login: str
    first_name: str
    last_name: str
    email: str
    role: Role
    site_id: UUID | None
    locale: str
    password_hash: str
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page in the order of the list; the next page begins after it."""

    last_name: str
    first_name: str
    id: UUID


async def insert_tenant(connection: Connection, tenant_id: UUID, slug: str, name: str, at: datetime) -> None:
    await connection.execute(_SQL["insert_tenant"], tenant_id, slug, name, at)


async def first_tenant(connection: Connection) -> UUID | None:
    """The oldest tenant: the one of a server that has only one."""
    found: UUID | None = await connection.fetchval(_SQL["first_tenant"])
    return found


async def lock_bootstrap(connection: Connection) -> None:
    """Of servers that start at the same time, one makes the first account and the others wait."""
    await connection.execute(_SQL["lock_bootstrap"])


async def has_administrator(connection: Connection) -> bool:
    return bool(await connection.fetchval(_SQL["has_administrator"]))


async def insert_user(connection: Connection, user: NewUser, at: datetime) -> None:
    """Raises (at the transaction's border) Conflict login_taken, Invalid for an unknown site."""
    await insert_users(connection, [user], at)


async def insert_users(connection: Connection, people: Iterable[NewUser], at: datetime) -> None:
    """Many at once. Raises as ``insert_user``."""
    await connection.executemany(
        _SQL["insert_user"],
        [
            (
                user.id,
                user.tenant_id,
                user.login,
                user.first_name,
                user.last_name,
                user.email,
                user.role.value,
                user.site_id,
                user.locale,
                user.password_hash,
                user.must_change_password,
                at,
            )
            for user in people
        ],
    )


async def taken_logins(connection: Connection, logins: Sequence[str]) -> set[str]:
    """Which of them, in small letters, somebody has already, among those that the connection sees."""
    rows = await connection.fetch(_SQL["taken_logins"], [login.lower() for login in logins])
    return {row["login"] for row in rows}


async def update_user(connection: Connection, user: UserRow, at: datetime) -> None:
    """Write the editable columns of ``user``; its sites and phone have functions of their own."""
    await connection.execute(
        _SQL["update_user"],
        user.id,
        user.login,
        user.first_name,
        user.last_name,
        user.email,
        user.role,
        user.site_id,
        user.locale,
        user.active,
        at,
    )


async def set_sites(connection: Connection, user_id: UUID, tenant_id: UUID, site_ids: Sequence[UUID]) -> None:
    """Replace the user's scope; no site means every site."""
    await connection.execute(_SQL["delete_user_sites"], user_id)
    if site_ids:
        await connection.execute(_SQL["insert_user_sites"], user_id, list(dict.fromkeys(site_ids)), tenant_id)


async def set_locale(connection: Connection, user_id: UUID, locale: str, at: datetime) -> None:
    await connection.execute(_SQL["set_locale"], user_id, locale, at)


async def set_password(
    connection: Connection, user_id: UUID, password_hash: str, must_change: bool, at: datetime
) -> None:
    await connection.execute(_SQL["set_password"], user_id, password_hash, must_change, at)


async def rehash_password(connection: Connection, user_id: UUID, old_hash: str, new_hash: str) -> None:
    """Store the same password hashed anew, unless it was changed meanwhile."""
    await connection.execute(_SQL["rehash_password"], user_id, old_hash, new_hash)


async def note_login(connection: Connection, user_id: UUID, at: datetime) -> None:
    await connection.execute(_SQL["note_login"], user_id, at)


async def credentials_by_login(connection: Connection, login: str) -> Credentials | None:
    """Credentials of a login, whatever its case."""
    return _credentials(await connection.fetchrow(_SQL["credentials_by_login"], login))


async def credentials_by_id(connection: Connection, user_id: UUID) -> Credentials | None:
    """Credentials of a user, locked until the transaction ends."""
    return _credentials(await connection.fetchrow(_SQL["credentials_by_id"], user_id))


async def get_user(connection: Connection, user_id: UUID, *, lock: bool = False) -> UserRow | None:
    """One user as seen through the connection; ``lock`` holds it until the transaction ends."""
    if lock:
        await connection.execute(_SQL["lock_user"], user_id)
    row = await connection.fetchrow(_SQL["get_user"], user_id)
    return None if row is None else _user(row)


async def page_of_users(
    connection: Connection, *, text: str, active: bool | None, after: Position | None, limit: int
) -> list[UserRow]:
    """Users by name. ``text`` is looked for in names, login, email and extension."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    position = (after.last_name, after.first_name, after.id) if after else (None, None, None)
    rows = await connection.fetch(
        _SQL["page_of_users"], f"%{escaped}%" if text else None, active, *position, limit
    )
    return [_user(row) for row in rows]


def _credentials(row: asyncpg.Record | None) -> Credentials | None:
    return None if row is None else Credentials(**{**row, "role": Role(row["role"])})


def _user(row: asyncpg.Record) -> UserRow:
    values = dict(row)
    last_login, changed = values["last_login_at"], values.pop("updated_at")
    return UserRow(
        **{
            **values,
            "version": version_at(changed),
            "name": f"{row['first_name']} {row['last_name']}".strip() or row["login"],
            "site_ids": tuple(row["site_ids"]),
            "last_login_at": last_login.timestamp() if last_login else None,
            "created_at": row["created_at"].timestamp(),
        }
    )
