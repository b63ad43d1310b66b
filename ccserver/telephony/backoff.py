"""How long a link waits before it connects again: the server's delays (1 2 4 8 16 30 s with jitter), with the
two things that a link knows more than a task: that it had held for a while, and that hurrying cannot help.
"""

import random
from collections.abc import Callable
from typing import Final

from ccserver.background import BACKOFF_SECONDS, Backoff

STABLE_SECONDS: Final = 20.0
"""A link that held this long was a good one: the next failure starts from the first delay again."""


class LinkBackoff(Backoff):
    """Delays between attempts to connect. Holds no clock: the caller says how long the link had held.

    ``chance`` gives numbers in [0, 1), as ``random.random`` does.
    """

    def __init__(
        self,
        delays: tuple[float, ...] = BACKOFF_SECONDS,
        *,
        stable_seconds: float = STABLE_SECONDS,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if not delays or min(delays) < 0:
            raise ValueError("at least one delay, none below zero")
        super().__init__(delays, chance=chance)
        self._stable_seconds = stable_seconds

    def held(self, seconds: float) -> None:
        """The link was up for so long before it went down; a stable one is forgiven."""
        if seconds >= self._stable_seconds:
            self.reset()

    def to_longest(self) -> None:
        """The next delay is the longest: a wrong secret does not get right soon, and may get us banned."""
        self.failures = len(self._delays) - 1
