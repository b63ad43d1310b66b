"""Sessions: who is logged in, opened by a login, kept by rotating refresh tokens, ended for a stated reason."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import MeNotice
from ccserver.domain.errors import Unauthenticated, Unavailable
from ccserver.domain.stream import Change
from ccserver.services.base import Announce, Clock, new_id
from ccserver.storage import sessions as store
from ccserver.storage.pool import Connection, Database

CACHE_SECONDS = 5.0
"""A session is looked up again after this long; a notice on topic ``me`` forgets it at once."""
STALE_SECONDS = 1800.0
"""While PostgreSQL is away, who was known this recently is still known: boards live on."""
CACHE_ENTRIES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a login or a refresh hands out. ``refresh`` can be used once."""

    actor: Actor
    refresh: str


@dataclass(frozen=True, slots=True)
class _Known:
    state: store.SessionState | None
    at: float


def hash_token(token: str) -> bytes:
    """What is stored of a refresh token: it has 256 bits of entropy, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def ended_notice(actor_tenant: UUID, user_id: UUID, session_id: UUID, reason: str, at: float) -> Change:
    """The announcement that a session is over."""
    notice = MeNotice(kind="session_ended", user_id=user_id, session_id=session_id, reason=reason, at=at)
    return Change(
        topic="me",
        key=str(session_id),
        row=msgspec.Raw(msgspec.json.encode(notice)),
        tenant_id=actor_tenant,
        user_id=user_id,
        retain=False,
    )


class Sessions:
    """Looks sessions up through a short cache, and opens, refreshes and ends them."""

    def __init__(
        self,
        database: Database,
        announce: Announce,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        lifetime: timedelta,
    ) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock
        self._monotonic = monotonic
        self._lifetime = lifetime
        self._known: dict[UUID, _Known] = {}
        self._news = 0

    async def actor(self, session_id: UUID) -> Actor:
        """Who the open session stands for. Raises Unauthenticated with the reason of its end, Unavailable."""
        known = self._known.get(session_id)
        if known is None or self._monotonic() - known.at > CACHE_SECONDS:
            try:
                await self._look_up([session_id])
            except Unavailable:
                if known is None or self._monotonic() - known.at > STALE_SECONDS:
                    raise
            known = self._known.get(session_id, known)
        return self._open(known.state if known else None)

    async def revalidate(self, session_ids: Iterable[UUID]) -> dict[UUID, Actor | None]:
        """The actors of many sessions in one query, None for those that are over; for sockets that stay open.

        While PostgreSQL is away, those known recently are taken as they were; raises Unavailable only when
        one of them never was.
        """
        wanted = list(session_ids)
        try:
            await self._look_up(wanted)
        except Unavailable:
            if any(session_id not in self._known for session_id in wanted):
                raise
        found: dict[UUID, Actor | None] = {}
        for session_id in wanted:
            try:
                known = self._known.get(session_id)
                found[session_id] = self._open(known.state if known else None)
            except Unauthenticated:
                found[session_id] = None
        return found

    def observe(self, changes: Sequence[Change]) -> None:
        """Forget what is cached of the users that ``me`` changes are about. Called for every node's changes."""
        users = {change.user_id for change in changes if change.topic in ("me", "users") and change.user_id}
        if not users:
            return
        self._news += 1
        for session_id, known in list(self._known.items()):
            if known.state is not None and known.state.actor.user_id in users:
                # Old rather than forgotten: it still serves if PostgreSQL is away.
                self._known[session_id] = _Known(known.state, known.at - 2 * CACHE_SECONDS)

    async def open(
        self, connection: Connection, *, tenant_id: UUID, user_id: UUID, address: str, user_agent: str
    ) -> tuple[UUID, str]:
        """Insert a session in the caller's transaction; returns its id and first refresh token."""
        now = self._clock()
        session = store.NewSession(
            id=new_id(now),
            tenant_id=tenant_id,
            user_id=user_id,
            at=now,
            expires_at=now + self._lifetime,
            address=address[:64],
            user_agent=user_agent[:300],
        )
        await store.insert_session(connection, session)
        token = secrets.token_urlsafe(32)
        await store.insert_refresh_token(connection, hash_token(token), session.id, tenant_id, now)
        return session.id, token

    async def refresh(self, token: str) -> Tokens:
        """Swap a refresh token for a new one. A token used twice ends its session: one of the two was stolen.

        Raises Unauthenticated (session_expired, token_reused, the reason of the end, or unauthenticated).
        """
        now = self._clock()
        fresh = secrets.token_urlsafe(32)
        refusal: Unauthenticated | None = None
        async with self._database.system() as connection:
            held = await store.refresh_token(connection, hash_token(token))
            if held is None:
                raise Unauthenticated
            if held.ended_at is not None:
                raise Unauthenticated(held.end_reason or "session_ended")
            if held.used_at is not None:
                await store.end_session(connection, held.session_id, "token_reused", now)
                refusal = Unauthenticated("token_reused")
            elif held.expires_at <= now:
                raise Unauthenticated("session_expired")
            else:
                await store.use_refresh_token(connection, hash_token(token), held.session_id, now)
                await store.insert_refresh_token(
                    connection, hash_token(fresh), held.session_id, held.tenant_id, now
                )
        if refusal is not None:
            await self.told_ended(held.tenant_id, held.user_id, [held.session_id], "token_reused")
            raise refusal
        return Tokens(actor=await self.actor(held.session_id), refresh=fresh)

    async def told_ended(self, tenant_id: UUID, user_id: UUID, ended: Sequence[UUID], reason: str) -> None:
        """Announce sessions that a committed transaction ended."""
        at = self._clock().timestamp()
        self._news += 1
        for session_id in ended:
            self._known.pop(session_id, None)
        if ended:
            await self._announce(*(ended_notice(tenant_id, user_id, s, reason, at) for s in ended))

    async def told_profile(self, tenant_id: UUID, user_id: UUID) -> None:
        """Announce that something of a user changed (role, locale, scope): pages read /api/me again."""
        notice = MeNotice(
            kind="profile", user_id=user_id, session_id=None, reason="", at=self._clock().timestamp()
        )
        change = Change(
            topic="me",
            key=str(user_id),
            row=msgspec.Raw(msgspec.json.encode(notice)),
            tenant_id=tenant_id,
            user_id=user_id,
            retain=False,
        )
        self.observe([change])
        await self._announce(change)

    def _open(self, state: store.SessionState | None) -> Actor:
        if state is None:
            raise Unauthenticated("session_ended")
        if state.end_reason:
            raise Unauthenticated(state.end_reason)
        if state.expires_at <= self._clock():
            raise Unauthenticated("session_expired")
        return state.actor

    async def _look_up(self, session_ids: Sequence[UUID]) -> None:
        if not session_ids:
            return
        asked_at, news = self._monotonic(), self._news
        async with self._database.system() as connection:
            states = await store.session_states(connection, session_ids)
        if news != self._news:
            # Something changed while PostgreSQL was answering: the answer may be of before. It serves those
            # who asked, and the next one looks again.
            asked_at -= 2 * CACHE_SECONDS
        if len(self._known) + len(session_ids) > CACHE_ENTRIES:
            self._known.clear()
        for session_id in session_ids:
            self._known[session_id] = _Known(states.get(session_id), asked_at)
