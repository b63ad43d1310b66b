"""Sessions: who is logged in, opened by a login, kept by rotating refresh tokens, ended for a stated reason."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ccserver.domain.access import Actor
from ccserver.domain.account import MeNotice, UserRow
from ccserver.domain.errors import Unauthenticated, Unavailable
from ccserver.domain.stream import Change
from ccserver.services.base import Announce, Clock, new_id
from ccserver.services.outage import OutageLog
from ccserver.services.session_memory import OUTAGE_SECONDS, SessionMemory, never_interrupted
from ccserver.storage import sessions as store
from ccserver.storage import users
from ccserver.storage.pool import Connection, Database

UNSURE_TOKENS = 1000
"""Swaps whose commit nobody confirmed: as many as there can be requests under way when PostgreSQL goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a login or a refresh hands out. ``refresh`` can be used once.

    ``kept_until`` (epoch seconds): PostgreSQL is away, the refresh token is the same as before, and the session can
    be kept until then at most. ``row``: the user, read with the swap: once it is committed, nothing that could still
    fail may stand between the new token and its owner.
    """

    actor: Actor
    refresh: str
    row: UserRow | None = None
    kept_until: float | None = None


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
    """Looks sessions up through a short memory, and opens, refreshes and ends them.

    ``heard_since``, ``there_seconds`` (the database's own by default) and ``outage_seconds``: see SessionMemory; they
    bound what goes on without PostgreSQL.
    """

    def __init__(
        self,
        database: Database,
        announce: Announce,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
        lifetime: timedelta,
        heard_since: Callable[[], float] = never_interrupted,
        there_seconds: Callable[[], float] | None = None,
        outage_seconds: float = OUTAGE_SECONDS,
    ) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock
        self._lifetime = lifetime
        self._memory = SessionMemory(
            clock=clock,
            monotonic=monotonic,
            heard_since=heard_since,
            there_seconds=there_seconds or database.there_seconds,
            outage_seconds=outage_seconds,
        )
        self._outage = OutageLog(database, clock=clock)
        self._unsure: dict[bytes, tuple[datetime, ...]] = {}

    async def actor(self, session_id: UUID) -> Actor:
        """Who the open session stands for. Raises Unauthenticated with the reason of its end, Unavailable."""
        known = self._memory.get(session_id)
        if known is None or not self._memory.is_fresh(known):
            try:
                await self._look_up([session_id])
            except Unavailable:
                if known is None or not self._memory.serves(known):
                    raise
            known = self._memory.get(session_id) or known
        return self._open(known.state if known else None)

    async def revalidate(self, session_ids: Iterable[UUID]) -> dict[UUID, Actor | None]:
        """The actors of many sessions in one query, None for those that are over; for sockets that stay open.

        While PostgreSQL is away, those known before are taken as they were, less what has been heard since;
        raises Unavailable only when one of them never was.
        """
        wanted = list(session_ids)
        try:
            await self._look_up(wanted)
        except Unavailable:
            if any(self._memory.get(session_id) is None for session_id in wanted):
                raise
        found: dict[UUID, Actor | None] = {}
        for session_id in wanted:
            try:
                known = self._memory.get(session_id)
                found[session_id] = self._open(known.state if known else None)
            except Unauthenticated:
                found[session_id] = None
        return found

    def observe(self, changes: Sequence[Change]) -> None:
        """Take in what was announced of users. Called for every node's changes."""
        self._memory.observe(changes)

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
        # Not committed yet: it counts only with a session that PostgreSQL has told of.
        self._memory.issue(hash_token(token), session.id, now)
        return session.id, token

    async def refresh(self, token: str) -> Tokens:
        """Swap a refresh token for a new one. A token used twice ends its session: one of the two was stolen.

        While PostgreSQL is away nothing is swapped: who shows the newest token of a session that can be vouched
        for is kept, for a bounded time. Raises Unauthenticated (session_expired, token_reused, the reason of the
        end, or unauthenticated), Unavailable.
        """
        try:
            return await self._swap(token)
        except Unavailable:
            known = self._memory.kept(hash_token(token))
            if known is None:
                raise
        actor = self._open(known.state)
        self._outage.note(actor)
        return Tokens(actor=actor, refresh=token, kept_until=self._memory.kept_until(known))

    async def keep_books(self) -> None:
        """Audit who was kept without PostgreSQL, and look at once whether they still may; for the supervisor."""
        while True:
            await self.revalidate(await self._outage.wait())

    async def _swap(self, token: str) -> Tokens:
        now, used, fresh = self._clock(), hash_token(token), secrets.token_urlsafe(32)
        asked = self._memory.asking()
        states: dict[UUID, store.SessionState] = {}
        row: UserRow | None = None
        reused = begun = False
        try:
            async with self._database.system() as connection:
                held = _standing(await store.refresh_token(connection, used))
                session_id = held.session_id
                reused = held.used_at is not None and held.used_at not in self._unsure.get(used, ())
                if reused:
                    await store.end_session(connection, session_id, "token_reused", now)
                elif held.expires_at <= now:
                    raise Unauthenticated("session_expired")
                else:
                    begun = True
                    await store.use_refresh_token(connection, used, session_id, now)
                    await store.insert_refresh_token(
                        connection, hash_token(fresh), session_id, held.tenant_id, now
                    )
                    states = await store.session_states(connection, [session_id])
                    row = await users.get_user(connection, held.user_id)
        except Unavailable:
            if begun:
                self._doubt_swap(used, now)
            raise
        if reused:
            await self.told_ended(held.tenant_id, held.user_id, [session_id], "token_reused")
            raise Unauthenticated("token_reused")
        self._unsure.pop(used, None)
        self._memory.issue(hash_token(fresh), session_id, now, instead_of=used)
        self._memory.looked_up([session_id], states, asked)
        return Tokens(actor=self._open(states.get(session_id)), refresh=fresh, row=row)

    def _doubt_swap(self, used: bytes, at: datetime) -> None:
        """PostgreSQL went before it confirmed. If it had committed, that use was ours and nobody has its fruit."""
        while len(self._unsure) >= UNSURE_TOKENS:
            del self._unsure[next(iter(self._unsure))]
        self._unsure[used] = (*self._unsure.get(used, ()), at)

    async def told_ended(self, tenant_id: UUID, user_id: UUID, ended: Sequence[UUID], reason: str) -> None:
        """Announce sessions that a committed transaction ended."""
        at = self._clock().timestamp()
        self._memory.end(ended, reason)
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
        asked = self._memory.asking()
        async with self._database.system() as connection:
            states = await store.session_states(connection, session_ids)
        # What news overtook may be of before: it serves those who asked, and the next one looks again.
        self._memory.looked_up(session_ids, states, asked)


def _standing(held: store.RefreshToken | None) -> store.RefreshToken:
    """The token if its session is open. Raises Unauthenticated with the reason of its end."""
    if held is None:
        raise Unauthenticated
    if held.ended_at is not None:
        raise Unauthenticated(held.end_reason or "session_ended")
    return held
