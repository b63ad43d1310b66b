"""Waits after failed logins."""

from datetime import UTC, datetime, timedelta

from ccserver.domain.throttle import (
    ACCOUNT,
    ADDRESS,
    FORGET_AFTER,
    Policy,
    Record,
    after_failure,
    wait_seconds,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _fail(times: int, policy: Policy) -> Record:
    record: Record | None = None
    for _ in range(times):
        record = after_failure(record, NOW, policy)
    assert record is not None
    return record


def test_the_first_failures_are_free_and_then_the_wait_doubles() -> None:
    waits = [wait_seconds(_fail(times, ACCOUNT), NOW) for times in range(1, 13)]
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_an_address_has_more_room_and_longer_waits() -> None:
    assert wait_seconds(_fail(20, ADDRESS), NOW) == 0
    assert wait_seconds(_fail(21, ADDRESS), NOW) == 2
    assert wait_seconds(_fail(60, ADDRESS), NOW) == 900


def test_a_quiet_hour_forgets() -> None:
    record = _fail(12, ACCOUNT)
    later = NOW + FORGET_AFTER
    assert after_failure(record, later, ACCOUNT) == Record(1, later, None)


def test_no_record_no_wait() -> None:
    assert wait_seconds(None, NOW) == 0


@given(st.integers(0, 10**9), st.integers(0, 3599), st.sampled_from([ACCOUNT, ADDRESS]))
def test_waits_are_bounded_and_end(failures: int, quiet: int, policy: Policy) -> None:
    record = after_failure(Record(failures, NOW, None), NOW + timedelta(seconds=quiet), policy)
    wait = wait_seconds(record, record.last_at)
    assert record.failures == failures + 1
    assert 0 <= wait <= policy.longest_seconds
    assert wait_seconds(record, record.last_at + timedelta(seconds=wait)) == 0
    if wait:
        assert wait_seconds(record, record.last_at + timedelta(seconds=wait - 0.001)) == 1
