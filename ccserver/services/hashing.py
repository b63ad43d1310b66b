"""Argon2id off the event loop, a few at a time: hashing is slow and hungry on purpose."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from ccserver.domain.errors import Unavailable

_T = TypeVar("_T")
_QUICK_KIB = 256
"""Under a millisecond, and no parameters that a hash of full cost ever has."""
_BATCH = 100
"""Generated passwords hashed in one go: somebody who logs in meanwhile waits for no more."""


class Hashing:
    """Hashes and verifies passwords in ``workers`` threads; refuses when ``waiting`` are in line already.

    Defaults: 46 MiB, one pass, one lane (OWASP's first choice), so two workers never take 100 MiB or more
    than the cores that telephony leaves.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 47104,
        passes: int = 1,
        lanes: int = 1,
        workers: int = 2,
        waiting: int = 40,
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=32,
            salt_len=16,
            type=Type.ID,
        )
        self._quick = PasswordHasher(
            time_cost=1, memory_cost=_QUICK_KIB, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
        )
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._most = workers + waiting
        self._in_line = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Raises Unavailable busy."""
        return await self._run(self._hasher.hash, password)

    async def hash_generated(self, passwords: Sequence[str]) -> list[str]:
        """Hashes of passwords that we made up ourselves, at a cost that lets thousands be made in a moment.

        Argon2's cost protects what people choose. Nobody searches 80 random bits, whatever a guess costs; and the first
        login, which finds the hash outdated, replaces it by one of full cost. Raises Unavailable busy.
        """
        made: list[str] = []
        for first in range(0, len(passwords), _BATCH):
            made += await self._run(self._hash_all, passwords[first : first + _BATCH])
        return made

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; None (no such user) costs the same time and never fits."""
        if password_hash is None:
            await self._verify_nobody(password)
            return False
        fits = await self._run(self._fits, password_hash, password)
        if self._is_cheap(password_hash):
            # A quick answer would tell that this account exists and has not been used yet.
            await self._verify_nobody(password)
        return fits

    async def _verify_nobody(self, password: str) -> None:
        if not self._nobody:
            # Costs as much as verifying: the first unknown user is not told by a delay either.
            self._nobody = await self.hash(secrets.token_hex(16))
        else:
            await self._run(self._fits, self._nobody, password)

    def _hash_all(self, passwords: Sequence[str]) -> list[str]:
        return [self._quick.hash(password) for password in passwords]

    def _is_cheap(self, password_hash: str) -> bool:
        try:
            return not self._quick.check_needs_rehash(password_hash)
        except InvalidHashError:
            return False

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, function: Callable[..., _T], *arguments: str | Sequence[str]) -> _T:
        if self._in_line >= self._most:
            raise Unavailable("busy")
        self._in_line += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        finally:
            self._in_line -= 1
