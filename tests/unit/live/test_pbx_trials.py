"""Automatic mode: what is refused waits for a change, what only stood in the way is tried again, ever more seldom."""

import errno
from types import SimpleNamespace
from typing import Any

import pytest
from ccserver.domain.config import ConfigRun
from ccserver.domain.errors import Unavailable
from ccserver.live.pbx_keeper import PbxKeeper
from ccserver.live.pbx_plan import PlanFailed
from ccserver.live.pbx_trials import DELAYS_SECONDS, MOST_UNDONE, Trials, may_pass
from ccserver.settings import Settings
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_rehearsal import RehearsalFailed
from ccserver.telephony.pbx_verify import Mismatch

WISH, OTHER = ("one",), ("another",)


class Clock:
    """Both clocks, started at different times."""

    def __init__(self) -> None:
        self.now = 100.0
        self.trials = Trials(lambda: 1_000_000.0 + self.now, lambda: self.now)

    def fail(self, wish: tuple[str, ...] = WISH, result: str = "refused", *, passing: bool = True) -> None:
        self.trials.ended(wish, run(result, passing=passing))


def run(result: str, *, passing: bool = False) -> ConfigRun:
    return ConfigRun(
        id="1",
        action="apply",
        step="stage",
        steps=(),
        who="ccserver",
        origin="automatic",
        started_at=1.0,
        result=result,
        passing=passing,
    )


def test_a_refusal_is_not_tried_again_until_something_else_is_to_be_applied() -> None:
    clock = Clock()
    assert clock.trials.may_try(WISH)
    clock.fail(passing=False)
    clock.now += 10 * DELAYS_SECONDS[-1]
    assert not clock.trials.may_try(WISH)
    assert (clock.trials.retry_at, clock.trials.seconds_left) == (None, None)
    assert clock.trials.in_vain(WISH)
    assert clock.trials.may_try(OTHER)
    assert not clock.trials.in_vain(OTHER)


def test_what_may_pass_is_tried_again_after_delays_that_grow_to_a_bound() -> None:
    clock = Clock()
    waited = []
    for _ in range(len(DELAYS_SECONDS) + 2):
        clock.fail()
        left = clock.trials.seconds_left
        assert left is not None
        assert clock.trials.retry_at == 1_000_000.0 + clock.now + left
        assert not clock.trials.may_try(WISH)
        clock.now += left
        assert clock.trials.may_try(WISH)
        waited.append(left)
    assert waited == [*DELAYS_SECONDS, DELAYS_SECONDS[-1], DELAYS_SECONDS[-1]]


def test_a_refusal_after_what_passed_is_a_refusal() -> None:
    clock = Clock()
    clock.fail()
    clock.fail(passing=False)
    assert clock.trials.seconds_left is None
    assert not clock.trials.may_try(WISH)


def test_another_wish_begins_with_the_first_delay() -> None:
    clock = Clock()
    clock.fail()
    clock.fail()
    clock.fail(OTHER)
    assert clock.trials.seconds_left == DELAYS_SECONDS[0]


def test_what_had_to_be_put_back_is_tried_a_few_times_only() -> None:
    clock = Clock()
    for _ in range(MOST_UNDONE - 1):
        clock.fail(result="rolled_back")
        assert clock.trials.seconds_left is not None
        clock.now += DELAYS_SECONDS[-1]
    clock.fail(result="rolled_back")
    assert clock.trials.seconds_left is None


@pytest.mark.parametrize("passing", [False, True])
def test_when_asterisk_comes_back_what_waits_is_due(passing: bool) -> None:
    clock = Clock()
    clock.trials.again()
    assert clock.trials.seconds_left is None, "nothing waits"
    clock.fail()
    clock.fail(passing=passing)
    assert not clock.trials.may_try(WISH)
    clock.trials.again()
    assert clock.trials.may_try(WISH)
    clock.fail()
    assert clock.trials.seconds_left == DELAYS_SECONDS[0]


@pytest.mark.parametrize("result", ["rolled_back", "failed"])
def test_an_apply_by_which_asterisk_goes_away_is_not_tried_for_ever(result: str) -> None:
    clock = Clock()
    for _ in range(MOST_UNDONE):
        assert clock.trials.may_try(WISH)
        clock.fail(result=result, passing=result == "rolled_back")
        clock.trials.again()
    clock.now += 10 * DELAYS_SECONDS[-1]
    clock.trials.again()
    assert not clock.trials.may_try(WISH)
    assert clock.trials.in_vain(WISH), "and the page says that it is stuck"
    assert clock.trials.may_try(OTHER)
    clock.fail(OTHER, "rolled_back")
    clock.trials.again()
    assert clock.trials.may_try(OTHER), "another wish has its own tries"


async def test_the_keeper_that_sees_asterisk_come_back_forgets_no_way_back() -> None:
    ami: Any = SimpleNamespace(up=False)
    absent: Any = None
    keeper = PbxKeeper(Settings(), absent, ami, starter=None, publish=lambda *_: None, supervisor=absent)
    for _ in range(MOST_UNDONE):
        keeper._trials.ended(WISH, run("rolled_back", passing=True))
    ami.up = True
    await keeper._wait(absent, 30.0, absent)
    assert keeper._trials.in_vain(WISH) and not keeper._trials.may_try(WISH)
    keeper._trials.ended(OTHER, run("refused"))
    keeper._was_up = False
    await keeper._wait(absent, 30.0, absent)
    assert keeper._trials.may_try(OTHER)


@pytest.mark.parametrize("result", ["applied", "unchanged"])
def test_success_and_a_reason_to_hope_forget_it_all(result: str) -> None:
    clock = Clock()
    clock.fail(passing=False)
    clock.fail(result=result)
    assert clock.trials.may_try(WISH)
    assert not clock.trials.in_vain(WISH)
    clock.fail(passing=False)
    clock.trials.forget()
    assert clock.trials.may_try(WISH)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (Unavailable("database_away"), True),
        (Unavailable("rehearsal_away"), True),
        (RehearsalFailed("Asterisk did not boot", passing=True), True),
        (AmiError("Reload", "A reload is in progress"), True),
        (RehearsalFailed("Could not find option suitable for category"), False),
        (AmiError("Reload", "An unknown error occurred"), False),
        (PlanFailed("A template cannot be rendered"), False),
        (Mismatch("endpoint 1001 is not there"), False),
    ],
    ids=str,
)
def test_which_causes_pass(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes
