"""Versions: made from instants or from lists, compared, read back."""

from datetime import UTC, datetime, timedelta

import pytest
from ccserver.domain.version import changed_at, is_stale, version_at, version_of_list
from hypothesis import given
from hypothesis import strategies as st

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 10**16).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))


@given(INSTANTS)
def test_a_version_holds_its_instant_to_the_microsecond(at: datetime) -> None:
    assert changed_at(version_at(at)) == at
    assert version_at(at) != version_at(at + timedelta(microseconds=1))


def test_a_list_has_the_version_of_its_lines() -> None:
    assert version_of_list(["a", "b"]) == version_of_list(iter(["a", "b"]))
    assert len({version_of_list(lines) for lines in ([], ["a", "b"], ["b", "a"], ["ab"], [""])}) == 4
    with pytest.raises(ValueError):
        changed_at(version_of_list([]))


def test_who_names_no_version_means_any() -> None:
    assert not is_stale("1", None)
    assert is_stale("1", ("*",))
    assert not is_stale("1", ("0", "1"))
    assert is_stale("1", ("0",))
    assert is_stale("1", ())
