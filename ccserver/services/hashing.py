"""Argon2id off the event loop, a few at a time: hashing is slow and hungry on purpose."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from ccserver.domain.errors import Unavailable

_T = TypeVar("_T")


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
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._most = workers + waiting
        self._in_line = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Raises Unavailable busy."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; None (no such user) costs the same time and never fits."""
        if password_hash is None:
            if not self._nobody:
                # Costs as much as verifying: the first unknown user is not told by a delay either.
                self._nobody = await self.hash(secrets.token_hex(16))
            else:
                await self._run(self._fits, self._nobody, password)
            return False
        return await self._run(self._fits, password_hash, password)

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

    async def _run(self, function: Callable[..., _T], *arguments: str) -> _T:
        if self._in_line >= self._most:
            raise Unavailable("busy")
        self._in_line += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        finally:
            self._in_line -= 1
