"""Pages hear of ends that were written late: at once, seldom while there are many, and of the last ones, too."""

from typing import cast

import msgspec
import pytest
from ccserver.domain.stream import RELOAD_KEY
from ccserver.live.late import LATE_SECONDS, REST_SECONDS, LateEnds
from ccserver.live.publisher import Publisher
from ccserver.storage.calls import CallRecord
from msgspec.structs import replace

from tests.rig.stream import FakeScheduler
from tests.unit.live.test_journal import record

NOW = 1_000.0


class Ears:
    """A publisher that notes when it was told to have everything read again."""

    def __init__(self, scheduler: FakeScheduler) -> None:
        self.heard: list[float] = []
        self._scheduler = scheduler

    def put(self, topic: str, key: str, row: msgspec.Raw, where: object, *, retain: bool) -> None:
        assert (topic, key, bytes(row), where, retain) == (
            "history",
            RELOAD_KEY,
            b"null",
            (None, None, None),
            False,
        )
        self.heard.append(self._scheduler.now)


def ended(seconds: float | None) -> CallRecord:
    made = record(1)
    return replace(made, call=replace(made.call, ended_at=None if seconds is None else NOW - seconds))


def make() -> tuple[LateEnds, Ears, FakeScheduler]:
    scheduler = FakeScheduler()
    ears = Ears(scheduler)
    return LateEnds(cast(Publisher, ears), lambda: NOW, lambda: scheduler), ears, scheduler


@pytest.mark.parametrize("seconds", [None, 0.0, LATE_SECONDS / 2])
def test_what_is_written_in_time_is_not_told(seconds: float | None) -> None:
    late, ears, scheduler = make()
    late.written([ended(seconds)])
    scheduler.advance(REST_SECONDS * 3)
    assert ears.heard == []


def test_many_are_told_at_once_then_seldom_and_the_last_ones_too() -> None:
    late, ears, scheduler = make()
    begun = scheduler.now
    late.written([ended(0.0), ended(LATE_SECONDS * 2)])
    scheduler.advance(0.0)
    assert ears.heard == [begun]
    for _ in range(5):
        scheduler.advance(REST_SECONDS / 10)
        late.written([ended(LATE_SECONDS * 2)])
    scheduler.advance(REST_SECONDS * 3)
    assert ears.heard == [begun, begun + REST_SECONDS]
    late.written([ended(LATE_SECONDS * 2)])
    scheduler.advance(0.0)
    assert len(ears.heard) == 3
