"""Waiting for a condition, with a deadline and a reason."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60.0
"""Far more than a slow and busy machine needs: it costs nothing while all is well."""
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.1


async def until(
    condition: Callable[[], Awaitable[bool] | bool],
    what: str | Callable[[], str],
    seconds: float = PATIENCE_SECONDS,
) -> None:
    """Return as soon as ``condition`` is true. Raises AssertionError naming ``what`` after the deadline."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(pause)
        # Looking often costs what the others on this machine need to come to an end.
        pause = min(pause * 1.2, _LONGEST_PAUSE_SECONDS)


def until_now(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Like ``until``, in this thread: for fixtures that have no event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(_LONGEST_PAUSE_SECONDS / 2)
