"""How long to wait after failed logins: per account and address, growing, forgotten after a quiet hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """``free`` failures cost nothing; each further one doubles the wait, up to ``longest_seconds``."""

    free: int
    first_seconds: int
    longest_seconds: int


ACCOUNT = Policy(free=4, first_seconds=1, longest_seconds=60)
"""Short at most: whoever guesses at somebody's account must not be able to lock its owner out for long."""
ADDRESS = Policy(free=20, first_seconds=2, longest_seconds=900)
"""Wider, because a whole site may come from one address."""


@dataclass(frozen=True, slots=True)
class Record:
    """Failures of one key so far."""

    failures: int
    last_at: datetime
    blocked_until: datetime | None


def wait_seconds(record: Record | None, now: datetime) -> int:
    """Whole seconds that must still pass before another attempt; 0 when it may be made now."""
    if record is None or record.blocked_until is None or record.blocked_until <= now:
        return 0
    return max(1, round((record.blocked_until - now).total_seconds() + 0.499))


def after_failure(record: Record | None, now: datetime, policy: Policy) -> Record:
    """The record with one more failure at ``now``."""
    failures = 1
    if record is not None and now - record.last_at < FORGET_AFTER:
        failures = record.failures + 1
    over = failures - policy.free
    if over <= 0:
        return Record(failures, now, None)
    # The exponent is bounded before the power: failures may be counted in millions.
    seconds = min(policy.longest_seconds, policy.first_seconds * 2 ** min(over - 1, 20))
    return Record(failures, now, now + timedelta(seconds=seconds))
