"""What every use case is given: the time, new ids, and the ways to tell others of a change."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import structlog

from ccserver.domain.access import Actor
from ccserver.domain.errors import DomainError
from ccserver.domain.ids import uuid7
from ccserver.domain.stream import Change

_log = structlog.get_logger(__name__)

TELL_SECONDS = 1.0
"""Nobody's page waits longer than this for an owner that may be away: the change itself is made."""

Clock = Callable[[], datetime]


class Announce(Protocol):
    """Tells every node's pages of changes made here (``LiveFeed.announce``). Never fails."""

    def __call__(self, *changes: Change) -> Awaitable[None]: ...


DirectoryChanged = Callable[[Actor], Awaitable[None]]
"""Asks the telephony owner to read users, phones, sites, trunks and DIDs again."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id(at: datetime) -> UUID:
    """A fresh UUIDv7 of the instant ``at``."""
    return uuid7(int(at.timestamp() * 1000), secrets.token_bytes(10))


@dataclass(frozen=True, slots=True)
class Heralds:
    """Where changes are told once they are committed."""

    announce: Announce
    directory_changed: DirectoryChanged

    async def tell(self, actor: Actor, *changes: Change) -> None:
        """Announce, and have the owner reload. An owner that is away reloads when it comes back."""
        await self.announce(*changes)
        try:
            await asyncio.wait_for(self.directory_changed(actor), TELL_SECONDS)
        except (DomainError, TimeoutError) as error:
            _log.info("telephony owner not told of the change", error=str(error))
