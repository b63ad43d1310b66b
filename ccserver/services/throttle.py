"""Counts login attempts in PostgreSQL, so that every node slows the same guesser down."""

import hashlib
import ipaddress

from ccserver.domain.errors import Throttled
from ccserver.domain.throttle import ACCOUNT, ADDRESS, Policy, after_failure, wait_seconds
from ccserver.services.base import Clock
from ccserver.storage import sessions as store
from ccserver.storage.pool import Database


class Throttle:
    """One attempt is counted before its password is looked at, and taken back when it was right.

    Counted first, because a hundred attempts sent at once would otherwise all find the door open.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def attempt(self, login: str, address: str) -> None:
        """Count one attempt. Raises Throttled; the same for accounts that exist and for those that do not."""
        await self._count((account_key(login), ACCOUNT), (address_key(address), ADDRESS))

    async def succeeded(self, login: str, address: str) -> None:
        """The attempt was right: the account starts afresh, the address gets this one back."""
        async with self._database.system() as connection:
            await store.forget_failures(connection, account_key(login))
            await store.forgive_failure(connection, address_key(address))

    async def knock(self, address: str) -> None:
        """Count one look at what only a secret address opens. Raises Throttled. Apart from logins."""
        await self._count((f"ticket {address_key(address)}", ADDRESS))

    async def welcome(self, address: str) -> None:
        """The secret address was right: this look costs nothing."""
        async with self._database.system() as connection:
            await store.forgive_failure(connection, f"ticket {address_key(address)}")

    async def _count(self, *keys: tuple[str, Policy]) -> None:
        now = self._clock()
        async with self._database.system() as connection:
            records = [(key, policy, await store.lock_failures(connection, key, now)) for key, policy in keys]
            wait = max(wait_seconds(record, now) for _, _, record in records)
            if wait == 0:
                for key, policy, record in records:
                    await store.set_failures(connection, key, after_failure(record, now, policy))
        if wait:
            raise Throttled(wait)


def account_key(login: str) -> str:
    """People type passwords into the login field: what they typed is not kept, only its hash."""
    return f"account:{hashlib.sha256(login.casefold().encode()).hexdigest()[:32]}"


def address_key(address: str) -> str:
    """IPv6 by its /64: whoever has one address of it has them all."""
    try:
        if ":" in address:
            return f"address:{ipaddress.IPv6Network((address.partition('%')[0], 64), strict=False)}"
    except ValueError:
        return "address:unknown"
    return f"address:{address}"
