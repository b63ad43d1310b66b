"""Sessions, their refresh tokens (only hashes), and the throttle's records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccserver.domain.access import Actor, Role
from ccserver.domain.throttle import Record
from ccserver.storage.pool import Connection
from ccserver.storage.queries import load_queries

_SQL = load_queries("sessions")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to insert. ``address`` and ``user_agent`` are shown to the user and to auditors."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    at: datetime
    expires_at: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token and the session it belongs to."""

    session_id: UUID
    used_at: datetime | None
    tenant_id: UUID
    user_id: UUID
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session and who it stands for. ``end_reason`` is "" while it is open.

    ``refreshed_at``: when its newest refresh token was handed out, by whichever node.
    """

    actor: Actor
    expires_at: datetime
    refreshed_at: datetime
    end_reason: str


async def insert_session(connection: Connection, session: NewSession) -> None:
    await connection.execute(
        _SQL["insert_session"],
        session.id,
        session.tenant_id,
        session.user_id,
        session.at,
        session.expires_at,
        session.address,
        session.user_agent,
    )


async def insert_refresh_token(
    connection: Connection, token_hash: bytes, session_id: UUID, tenant_id: UUID, at: datetime
) -> None:
    await connection.execute(_SQL["insert_refresh_token"], token_hash, session_id, tenant_id, at)


async def refresh_token(connection: Connection, token_hash: bytes) -> RefreshToken | None:
    """The token with its session, both locked until the transaction ends."""
    row = await connection.fetchrow(_SQL["refresh_token"], token_hash)
    return None if row is None else RefreshToken(**row)


async def use_refresh_token(
    connection: Connection, token_hash: bytes, session_id: UUID, at: datetime
) -> None:
    await connection.execute(_SQL["use_refresh_token"], token_hash, at)
    await connection.execute(_SQL["note_refresh"], session_id, at)


async def session_states(connection: Connection, session_ids: Sequence[UUID]) -> dict[UUID, SessionState]:
    """The sessions that exist among ``session_ids``, open or ended, with their users as they are now."""
    rows = await connection.fetch(_SQL["actors"], list(session_ids))
    states: dict[UUID, SessionState] = {}
    for row in rows:
        role = Role(row["role"])
        scoped = role in (Role.AGENT, Role.SUPERVISOR) and row["site_ids"]
        reason = row["end_reason"] or ("signed_out" if row["ended_at"] else "")
        states[row["session_id"]] = SessionState(
            actor=Actor(
                user_id=row["user_id"],
                tenant_id=row["tenant_id"],
                role=role,
                login=row["login"],
                session_id=row["session_id"],
                site_ids=frozenset(row["site_ids"]) if scoped else None,
                must_change_password=row["must_change_password"],
                locale=row["locale"],
            ),
            expires_at=row["expires_at"],
            refreshed_at=row["refreshed_at"],
            end_reason=reason or ("" if row["active"] else "deactivated"),
        )
    return states


async def end_session(connection: Connection, session_id: UUID, reason: str, at: datetime) -> bool:
    """End one session. False when it was over already."""
    return await connection.fetchval(_SQL["end_session"], session_id, at, reason) is not None


async def end_sessions_of_user(
    connection: Connection, user_id: UUID, reason: str, at: datetime, *, but: UUID | None = None
) -> list[UUID]:
    """End the user's open sessions except ``but``; returns those that this ended."""
    await connection.execute(_SQL["lock_user_sessions"], user_id)
    rows = await connection.fetch(_SQL["end_sessions_of_user"], user_id, at, reason, but)
    return [row["id"] for row in rows]


async def lock_failures(connection: Connection, key: str, at: datetime) -> Record | None:
    """The throttle's record of ``key``, locked until the transaction ends; None when it holds no failure."""
    row = await connection.fetchrow(_SQL["lock_failures"], key, at)
    return Record(row["failures"], row["last_at"], row["blocked_until"]) if row["failures"] else None


async def set_failures(connection: Connection, key: str, record: Record) -> None:
    await connection.execute(_SQL["set_failures"], key, record.failures, record.last_at, record.blocked_until)


async def forget_failures(connection: Connection, key: str) -> None:
    await connection.execute(_SQL["forget_failures"], key)


async def forgive_failure(connection: Connection, key: str) -> None:
    """Take one failure back: the attempt was counted before its password was found right."""
    await connection.execute(_SQL["forgive_failure"], key)


async def forget_old(connection: Connection, *, sessions_before: datetime, failures_before: datetime) -> None:
    """Delete sessions that ended, and throttle records last touched, before these instants."""
    await connection.execute(_SQL["forget_sessions"], sessions_before)
    await connection.execute(_SQL["forget_old_failures"], failures_before)
