"""Reconnect delays as data: quick at first, never slower than half a minute, never in step with other
nodes.
"""

import random
from collections.abc import Callable
from typing import Final

RECONNECT_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""The delay before each attempt in a row; the last one repeats for ever."""

STABLE_SECONDS: Final = 20.0
"""A link that held this long was a good one: the next failure starts from the first delay again."""

JITTER: Final = 0.25
"""Each delay is spread by plus or minus this share, so that nodes cut off together do not return together."""


class Backoff:
    """Which delay comes next. Holds no clock: the caller says how long the link had held.

    ``uniform`` gives numbers in [0, 1), as ``random.random`` does.
    """

    def __init__(
        self,
        seconds: tuple[float, ...] = RECONNECT_SECONDS,
        *,
        stable_seconds: float = STABLE_SECONDS,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        if not seconds or min(seconds) <= 0:
            raise ValueError("at least one delay, all above zero")
        self._seconds = seconds
        self._stable_seconds = stable_seconds
        self._uniform = uniform
        self._step = 0

    def next_seconds(self) -> float:
        """The delay to wait now; the following one will be longer."""
        base = self._seconds[min(self._step, len(self._seconds) - 1)]
        self._step += 1
        return base * (1 + JITTER * (2 * self._uniform() - 1))

    def held(self, seconds: float) -> None:
        """The link was up for so long before it went down; a stable one is forgiven."""
        if seconds >= self._stable_seconds:
            self._step = 0

    def to_longest(self) -> None:
        """The next delay is the longest: retrying soon cannot help (a wrong secret) and may get us banned."""
        self._step = len(self._seconds) - 1
