"""Starting and stopping under Ctrl-C: what may be interrupted, and what must be finished first."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Result = TypeVar("Result")


@asynccontextmanager
async def stop_requested() -> AsyncIterator[asyncio.Event]:
    """An event that Ctrl-C and its like set. A second Ctrl-C does not interrupt the stopping."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    for number in STOPPING_SIGNALS:
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in STOPPING_SIGNALS:
            loop.remove_signal_handler(number)


async def first_of(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Wait until the task ends (raising what it raises) or a stop is asked for (then it is cancelled)."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set() and not task.done():
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled() and not stop.is_set():
            task.result()
    finally:
        stopping.cancel()


async def finish(work: Awaitable[Result]) -> Result:
    """Await something that must not be left half done: a cancellation takes effect when it has ended."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        # Looked at, so that the loop does not complain of it: the cancellation is what counts now.
        _ = task.cancelled() or task.exception()
        raise
