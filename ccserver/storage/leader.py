"""Who is the telephony owner: whoever holds one advisory lock, which PostgreSQL gives to one session only."""

import asyncpg

from ccserver.domain.errors import Unavailable
from ccserver.storage.pool import Connection, Database
from ccserver.storage.queries import load_queries

_SQL = load_queries("leader")

OWNER_LOCK = 0x63637365_72766572
"""The lock's key: "ccserver" in ASCII."""


class LeaderLock:
    """The owner's lock (or another, by its ``key``) on a connection of its own; lost as soon as that connection is."""

    def __init__(self, database: Database, key: int = OWNER_LOCK) -> None:
        self._database = database
        self._key = key
        self._connection: Connection | None = None

    async def try_acquire(self) -> bool:
        """Whether the lock is ours now. False while another holds it. Raises Unavailable."""
        if self._connection is None:
            self._connection = await self._database.connect()
        try:
            # A host that vanished without closing its sockets must lose the lock in seconds, not hours.
            await self._connection.execute(_SQL["notice_dead_clients"], timeout=2)
            return bool(await self._connection.fetchval(_SQL["try_lock"], self._key, timeout=2))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self.release()
            raise Unavailable("database_away") from error

    async def still_held(self) -> bool:
        """Whether our connection, and the lock with it, still lives."""
        if self._connection is None:
            return False
        try:
            return bool(await self._connection.fetchval(_SQL["holds_lock"], self._key, timeout=2))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self.release()
            return False

    async def release(self) -> None:
        """Lets the lock go, by closing its connection."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()
