"""Versions of rows: by which somebody who edits a row says which state of it they have seen.

A version is opaque to clients. It is made from the instant of the row's last change, which the database never lets
stand still (``updated_at`` grows by a microsecond at least), or from the contents of a list.
"""

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

Versions = Collection[str] | None
"""Any of these will do; None: whatever the row is now, as clients that know nothing of versions want it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Versioned(Protocol):
    """A row that carries its version."""

    @property
    def id(self) -> UUID: ...
    @property
    def version(self) -> str: ...


def version_at(changed_at: datetime) -> str:
    """The version of a row that was last changed at this instant."""
    return f"{(changed_at - _EPOCH) // _MICROSECOND:x}"


def changed_at(version: str) -> datetime:
    """The instant in a version that ``version_at`` made. Raises ValueError for a list's."""
    return _EPOCH + int(version, 16) * _MICROSECOND


def version_of_list(lines: Iterable[str]) -> str:
    """The version of a list that is replaced as a whole: the same for the same lines in the same order."""
    return "list-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]


def is_stale(version: str, wanted: Versions) -> bool:
    """Whether a row of this version is none of those that somebody wants to change."""
    return wanted is not None and version not in wanted
