"""What automatic mode tried in vain, and when it tries again.

Two kinds of failure: what Asterisk or the data refuse stays refused until something else is to be applied; what only
stood in the way (a full disk, PostgreSQL or Asterisk away for a moment, a machine too busy to answer) passes, and is
tried again by itself after a delay that grows.
"""

import time
from collections.abc import Callable
from typing import Final

from ccserver.domain.config import ConfigRun
from ccserver.domain.errors import Unavailable
from ccserver.live.pbx_plan import Planned
from ccserver.telephony.errors import AmiError
from ccserver.telephony.pbx_rehearsal import RehearsalFailed

DELAYS_SECONDS: Final[tuple[float, ...]] = (15, 30, 60, 120, 300, 600, 1800)
"""Before the second try, the third...; the last one repeats."""
MOST_UNDONE: Final = 3
"""So often is put back (or should have been) what had reached the running configuration; then a person must look."""
_BUSY: Final = "reload is in progress"
"""Asterisk's answer to a reload while it is still at the one before."""
NOTHING_TRIED: Final[tuple[str, ...]] = ()


def wish_of(planned: Planned) -> tuple[str, ...]:
    """What is to be applied, hand-written files included: when one of them is mended, it is another wish."""
    extras = planned.difference.extras_then
    return (planned.fingerprint, *planned.difference.to_read, *sorted(f"{n} {extras[n]}" for n in extras))


def may_pass(error: Exception) -> bool:
    """Whether the same may succeed later though nobody changes anything."""
    if isinstance(error, RehearsalFailed):
        return error.passing
    if isinstance(error, AmiError):
        return _BUSY in error.message
    return isinstance(error, Unavailable | OSError)


class Trials:
    """One wish at a time: another one is tried at once."""

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._wish = NOTHING_TRIED
        self._failures = 0
        self._undone = 0
        self._due: float | None = None
        self.retry_at: float | None = None
        """When it is tried again by itself, epoch seconds; None: not before something else is to be applied."""

    def in_vain(self, wish: tuple[str, ...]) -> bool:
        """Whether this was tried and did not succeed."""
        return self._wish == wish

    def may_try(self, wish: tuple[str, ...]) -> bool:
        """Whether it is new, or its time has come."""
        return not self.in_vain(wish) or self.seconds_left == 0

    @property
    def seconds_left(self) -> float | None:
        """Until the next try; None when none is due."""
        return None if self._due is None else max(0.0, self._due - self._monotonic())

    def ended(self, wish: tuple[str, ...], run: ConfigRun) -> None:
        """A try of ``wish`` is over."""
        if run.result in ("applied", "unchanged"):
            self.forget()
            return
        if wish != self._wish:
            self.forget()
            self._wish = wish
        self._undone += run.result in ("rolled_back", "failed")
        if not run.passing or self._undone >= MOST_UNDONE:
            self._due = self.retry_at = None
            return
        delay = DELAYS_SECONDS[min(self._failures, len(DELAYS_SECONDS) - 1)]
        self._failures += 1
        self._due, self.retry_at = self._monotonic() + delay, self._clock() + delay

    def again(self) -> None:
        """Asterisk came back: another one may take what that one did not, so what waits is due now.

        What was put back stays counted, for the apply may be what it went away by: then a person must look.
        """
        if self._wish == NOTHING_TRIED or self._undone >= MOST_UNDONE:
            return
        self._failures = 0
        self._due, self.retry_at = self._monotonic(), self._clock()

    def forget(self) -> None:
        """Whatever waits is tried at once."""
        self._wish, self._failures, self._undone = NOTHING_TRIED, 0, 0
        self._due = self.retry_at = None
