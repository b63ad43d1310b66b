"""Connections to PostgreSQL under the right role, and the truth about whether it is there.

``tenant(id)`` gives a connection that row-level security confines to one tenant, ``system()`` one that works
across tenants (logins, the telephony owner, jobs). Both are one transaction: committed at the end of the
block, rolled back when it raises. The server starts while PostgreSQL is away and goes on when it is back.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from typing import TypeAlias
from uuid import UUID

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from ccserver.background import Supervisor
from ccserver.domain.errors import Unavailable
from ccserver.storage.constraints import domain_error
from ccserver.storage.migrate import SchemaError, check_applied, known_migrations
from ccserver.storage.queries import load_queries

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
"""What every function of this floor takes first: a connection inside a transaction."""

_log = structlog.get_logger(__name__)
_SQL = load_queries("pool")

_WATCH = "database-watch"
CONNECT_SECONDS = 5.0
PROBE_EVERY_SECONDS = 2.0
PROBE_DEADLINE_SECONDS = 2.0
BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 2.0, 5.0)
"""Waits between attempts to reach a PostgreSQL that is away; the last one repeats."""

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
)
"""What is raised when the server cannot be reached, restarts, is full, or cuts us for want of time."""


class Database:
    """Two pools on one PostgreSQL (roles ccserver_app and ccserver_system) and a watch on its health.

    ``known``: the migrations that must be applied, by default those of this version; a database with
    others counts as away, and ``start`` raises SchemaError when it is reachable and wrong.
    """

    def __init__(
        self,
        dsn: str,
        supervisor: Supervisor,
        *,
        pool_size: int = 10,
        statement_timeout_seconds: float = 15.0,
        known: Iterable[str] | None = None,
    ) -> None:
        self.up = False
        self.since = time.time()
        self.detail = "not started"
        self._came = time.monotonic()
        self._there = 0.0
        self._dsn = dsn
        self._size = pool_size
        self._timeout = statement_timeout_seconds
        self._known = None if known is None else tuple(known)
        self._pools: dict[str, asyncpg.Pool] = {}
        self._doubt = asyncio.Event()
        self._supervisor = supervisor
        self._probe: asyncpg.Connection | None = None

    async def start(self) -> None:
        """Make the pools and look once. PostgreSQL away is no error, a foreign schema is SchemaError."""
        if self._known is None:
            self._known = await asyncio.to_thread(known_migrations)
        for role in ("ccserver_app", "ccserver_system"):
            self._pools[role] = await asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                timeout=CONNECT_SECONDS,
                command_timeout=self._timeout + 1,
                server_settings=self._server_settings(role),
            )
        self._probe = await self._open_probe()
        self._supervisor.spawn(_WATCH, self._watch_health)

    async def close(self) -> None:
        """Give every connection back; what still runs is cut after a moment."""
        await self._supervisor.stop(_WATCH)
        if self._probe:
            self._probe.terminate()
            self._probe = None
        for pool in self._pools.values():
            try:
                await asyncio.wait_for(pool.close(), 2.0)
            except TimeoutError:
                pool.terminate()
        self._pools.clear()
        self.up, self.since, self.detail = False, time.time(), "closed"

    def there_seconds(self) -> float:
        """How long PostgreSQL has been there since the start, all told: it stands still while PostgreSQL is away."""
        return self._there + (time.monotonic() - self._came if self.up else 0.0)

    def tenant(self, tenant_id: UUID) -> contextlib.AbstractAsyncContextManager[Connection]:
        """One transaction on this tenant's rows and no other's. Raises Unavailable, Conflict, Invalid."""
        return self._transaction("ccserver_app", tenant_id)

    def system(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """One transaction across all tenants: for logins, the telephony owner, jobs. Raises as ``tenant``."""
        return self._transaction("ccserver_system", None)

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own under ccserver_system (advisory locks, LISTEN); the caller closes it."""
        try:
            return await asyncpg.connect(
                self._dsn, timeout=CONNECT_SECONDS, server_settings=self._server_settings("ccserver_system")
            )
        except _AWAY as error:
            raise Unavailable("database_away") from error

    @contextlib.asynccontextmanager
    async def _transaction(self, role: str, tenant_id: UUID | None) -> AsyncIterator[Connection]:
        if not self.up:
            # Saying so at once is kinder than a page that hangs until a connect times out.
            raise Unavailable("database_away")
        try:
            async with self._pools[role].acquire(timeout=CONNECT_SECONDS) as connection:
                try:
                    async with connection.transaction():
                        if tenant_id is not None:
                            await connection.execute(_SQL["set_tenant"], str(tenant_id))
                        yield connection
                except asyncpg.InterfaceError as error:
                    # The same class stands for a dead connection and for a mistake of ours.
                    if not _is_gone(connection):
                        raise
                    raise ConnectionResetError from error
        except asyncpg.IntegrityConstraintViolationError as error:
            known = domain_error(error)
            if known is None:
                raise
            raise known from error
        except _AWAY as error:
            self._doubt.set()
            raise Unavailable("database_away") from error

    def _server_settings(self, role: str) -> dict[str, str]:
        return {
            "role": role,
            "application_name": f"ccserver {role.removeprefix('ccserver_')}",
            "statement_timeout": str(int(self._timeout * 1000)),
            "lock_timeout": str(int(self._timeout * 1000 / 2)),
            "idle_in_transaction_session_timeout": str(int(self._timeout * 2000)),
            "timezone": "UTC",
        }

    def _note(self, up: bool, detail: str) -> None:
        if up != self.up:
            self._there = self.there_seconds()
            self._came = time.monotonic()
            self.up, self.since = up, time.time()
            if up:
                _log.info("database is up")
            else:
                _log.warning("database is away", reason=detail)
        self.detail = detail

    async def _open_probe(self) -> asyncpg.Connection | None:
        """The watch's own connection: full pools must not look like a dead server. Raises SchemaError."""
        try:
            probe = await self.connect()
        except Unavailable as error:
            self._note(False, type(error.__cause__).__name__)
            return None
        except asyncpg.PostgresError as error:
            # The role is missing, for instance: nothing was migrated yet.
            raise SchemaError("The database has no ccserver schema. Run: ccserver migrate") from error
        try:
            rows = await probe.fetch(_SQL["applied_migrations"], timeout=PROBE_DEADLINE_SECONDS)
            check_applied(self._known or (), (row["migration_id"] for row in rows))
        except (SchemaError, asyncpg.PostgresError, OSError, TimeoutError) as error:
            probe.terminate()
            if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InsufficientPrivilegeError):
                raise SchemaError("The database has no ccserver schema. Run: ccserver migrate") from error
            if isinstance(error, SchemaError):
                raise
            self._note(False, type(error).__name__)
            return None
        probe.add_termination_listener(lambda _: self._doubt.set())
        self._note(True, "")
        return probe

    async def _watch_health(self) -> None:
        failures = 0
        while True:
            if self._probe is None:
                await asyncio.sleep(BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)])
                self._probe = await self._try_again()
                failures = 0 if self._probe else failures + 1
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), PROBE_EVERY_SECONDS)
            self._doubt.clear()
            try:
                await self._probe.fetchval(_SQL["probe"], timeout=PROBE_DEADLINE_SECONDS)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                self._note(False, type(error).__name__)
                self._probe.terminate()
                self._probe = None

    async def _try_again(self) -> asyncpg.Connection | None:
        try:
            return await self._open_probe()
        except SchemaError as error:
            self._note(False, str(error))
            return None


def _is_gone(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        # A connection that was lost has been taken back by its pool already.
        return True
