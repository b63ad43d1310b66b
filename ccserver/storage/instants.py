"""Instants: epoch seconds in the domain, aware UTC in PostgreSQL."""

from datetime import UTC, datetime


def at(seconds: float | None) -> datetime | None:
    """What PostgreSQL keeps of an instant of the domain."""
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def seconds(at: datetime | None) -> float | None:
    """What the domain makes of an instant of PostgreSQL."""
    return None if at is None else at.timestamp()
