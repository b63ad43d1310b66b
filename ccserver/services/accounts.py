"""Login, logout, refresh, password change, and the first account of a new server."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from ccserver.domain.access import Actor, Role
from ccserver.domain.account import UserRow
from ccserver.domain.errors import FieldError, Invalid, NotFound, Unauthenticated, Unavailable
from ccserver.domain.passwords import check_password, generate
from ccserver.services.base import Clock, new_id
from ccserver.services.changes import record, record_by
from ccserver.services.hashing import Hashing
from ccserver.services.sessions import Sessions, Tokens
from ccserver.services.throttle import Throttle
from ccserver.storage import sessions as store
from ccserver.storage import users
from ccserver.storage.pool import Database

BOOTSTRAP_LOGIN = "admin"
BOOTSTRAP_PASSWORD = "admin"  # noqa: S105 - known to all, so it only works on loopback and must be changed
GENERATED_LENGTH = 14
ROWS_SEEN = 20_000
"""Own rows that are remembered, so that boards and desks can be opened while PostgreSQL is away."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The first account, just made. ``password`` is to be shown once when it was generated."""

    login: str
    password: str
    generated: bool


class Accounts:
    """Everything a person does with their own account."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        hashing: Hashing,
        throttle: Throttle,
        *,
        clock: Clock,
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._hashing = hashing
        self._throttle = throttle
        self._clock = clock
        self._seen: dict[UUID, UserRow] = {}

    async def login(self, login: str, password: str, *, address: str, user_agent: str) -> Tokens:
        """Open a session. An agent's other sessions end: the last login wins.

        Raises Unauthenticated wrong_credentials (never says which), Throttled, Unavailable.
        """
        login = login.strip()
        await self._throttle.attempt(login, address)
        async with self._database.system() as connection:
            found = await users.credentials_by_login(connection, login)
        fits = await self._hashing.verify(found.password_hash if found else None, password)
        if found is None or not fits or not found.active:
            _log.info("login refused", address=address)
            raise Unauthenticated("wrong_credentials")
        await self._throttle.succeeded(login, address)
        fresh_hash = ""
        if self._hashing.is_outdated(found.password_hash):
            fresh_hash = await self._hashing.hash(password)
        now = self._clock()
        replaced: list[UUID] = []
        async with self._database.system() as connection:
            # Read again under a lock: the account may have been deactivated while we were hashing.
            current = await users.credentials_by_id(connection, found.id)
            if current is None or not current.active or current.password_hash != found.password_hash:
                raise Unauthenticated("wrong_credentials")
            if current.role is Role.AGENT:
                replaced = await store.end_sessions_of_user(connection, found.id, "session_replaced", now)
            session_id, refresh = await self._sessions.open(
                connection,
                tenant_id=found.tenant_id,
                user_id=found.id,
                address=address,
                user_agent=user_agent,
            )
            await users.note_login(connection, found.id, now)
            if fresh_hash:
                await users.rehash_password(connection, found.id, found.password_hash, fresh_hash)
            await record_by(
                connection, found.tenant_id, found.id, now, "login", found.id, {"address": address}
            )
        await self._sessions.told_ended(found.tenant_id, found.id, replaced, "session_replaced")
        # The telephony owner hears of it too: an agent who logs in is available.
        await self._sessions.told_profile(found.tenant_id, found.id)
        return Tokens(actor=await self._sessions.actor(session_id), refresh=refresh)

    async def logout(self, actor: Actor) -> None:
        """End the actor's session."""
        async with self._database.tenant(actor.tenant_id) as connection:
            ended = await store.end_session(connection, actor.session_id, "signed_out", self._clock())
        if ended:
            await self._sessions.told_ended(actor.tenant_id, actor.user_id, [actor.session_id], "signed_out")

    async def change_password(self, actor: Actor, current: str, new: str, *, address: str) -> None:
        """Change one's own password; the other sessions end.

        Raises Invalid (password_wrong on current_password, or the rule that new_password breaks), Throttled.
        """
        check_password(new, actor.login)
        if new == current:
            raise Invalid(FieldError("new_password", "password_same"))
        # Throttled as a login: a page left open must not let a passer-by guess the password.
        await self._throttle.attempt(actor.login, address)
        async with self._database.tenant(actor.tenant_id) as connection:
            found = await users.credentials_by_id(connection, actor.user_id)
        if found is None or not await self._hashing.verify(found.password_hash, current):
            raise Invalid(FieldError("current_password", "password_wrong"))
        await self._throttle.succeeded(actor.login, address)
        new_hash = await self._hashing.hash(new)
        now = self._clock()
        async with self._database.tenant(actor.tenant_id) as connection:
            await users.set_password(connection, actor.user_id, new_hash, False, now)
            ended = await store.end_sessions_of_user(
                connection, actor.user_id, "password_changed", now, but=actor.session_id
            )
            await record(connection, actor, now, "password.change", actor.user_id, {})
        await self._sessions.told_ended(actor.tenant_id, actor.user_id, ended, "password_changed")
        await self._sessions.told_profile(actor.tenant_id, actor.user_id)

    async def me(self, actor: Actor) -> UserRow:
        """The actor's own row; while PostgreSQL is away, as it was last seen. Raises NotFound, Unavailable."""
        try:
            async with self._database.tenant(actor.tenant_id) as connection:
                found = await users.get_user(connection, actor.user_id)
        except Unavailable:
            seen = self._seen.get(actor.user_id)
            if seen is None or seen.role != actor.role:
                raise
            return seen
        if found is None:
            raise NotFound
        return self._saw(found)

    async def row_of(self, tokens: Tokens) -> UserRow:
        """The row of whom these were handed out to, as ``me``; after a swap nothing is asked that could fail."""
        return self._saw(tokens.row) if tokens.row is not None else await self.me(tokens.actor)

    async def set_locale(self, actor: Actor, locale: str) -> UserRow:
        """Change one's own language."""
        async with self._database.tenant(actor.tenant_id) as connection:
            await users.set_locale(connection, actor.user_id, locale, self._clock())
            found = await users.get_user(connection, actor.user_id)
        await self._sessions.told_profile(actor.tenant_id, actor.user_id)
        if found is None:
            raise NotFound
        return found

    async def bootstrap(self, *, password: str, loopback: bool) -> Bootstrap | None:
        """Make the default tenant and its first administrator if there is none.

        On loopback the password is "admin", elsewhere a random one, unless ``password`` is given. A first
        account that still has the well-known password gets another one as soon as the server listens beyond
        loopback. Returns what was made, None when nothing had to be.
        """
        known = BOOTSTRAP_PASSWORD if loopback else ""
        chosen = password or known or generate(GENERATED_LENGTH, secrets.choice)
        made = Bootstrap(BOOTSTRAP_LOGIN, chosen, not (password or known))
        async with self._database.system() as connection:
            exists = await users.has_administrator(connection)
            first = await users.credentials_by_login(connection, BOOTSTRAP_LOGIN)
        if exists:
            weak = first is not None and first.must_change_password and not loopback
            if (
                first is None
                or not weak
                or not await self._hashing.verify(first.password_hash, BOOTSTRAP_PASSWORD)
            ):
                return None
            chosen_hash = await self._hashing.hash(chosen)
            async with self._database.system() as connection:
                await users.set_password(connection, first.id, chosen_hash, True, self._clock())
            return made
        chosen_hash = await self._hashing.hash(chosen)
        return made if await self._insert_first(chosen_hash) else None

    async def keep_tidy(self, *, every_seconds: float = 3600.0) -> None:
        """Forget what is old, again and again; for the supervisor. A database that is away is tried later."""
        while True:
            try:
                await self.forget_old()
            except Unavailable as error:
                _log.info("old sessions not deleted", error=error.code)
            await asyncio.sleep(every_seconds)

    async def forget_old(self, *, sessions_days: int = 30) -> None:
        """Delete sessions long over and throttle records long quiet."""
        now = self._clock()
        async with self._database.system() as connection:
            await store.forget_old(
                connection,
                sessions_before=now - timedelta(days=sessions_days),
                failures_before=now - timedelta(days=1),
            )

    def _saw(self, row: UserRow) -> UserRow:
        if len(self._seen) >= ROWS_SEEN:
            self._seen.clear()
        self._seen[row.id] = row
        return row

    async def _insert_first(self, password_hash: str) -> bool:
        now = self._clock()
        async with self._database.system() as connection:
            await users.lock_bootstrap(connection)
            if await users.has_administrator(connection):
                return False
            tenant_id = await users.first_tenant(connection)
            if tenant_id is None:
                tenant_id = new_id(now)
                await users.insert_tenant(connection, tenant_id, "default", "Default", now)
            user = users.NewUser(
                id=new_id(now),
                tenant_id=tenant_id,
                login=BOOTSTRAP_LOGIN,
                first_name="",
                last_name="",
                email="",
                role=Role.ADMIN,
                site_id=None,
                locale="fr",
                password_hash=password_hash,
                must_change_password=True,
            )
            await users.insert_user(connection, user, now)
            await record_by(connection, tenant_id, user.id, now, "bootstrap", user.id, {})
        return True
