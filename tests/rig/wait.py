"""Waiting for a condition, with a deadline and a reason."""

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], Awaitable[bool] | bool], what: str, seconds: float = 10.0) -> None:
    """Return as soon as ``condition`` is true. Raises AssertionError naming ``what`` after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(0.02)
