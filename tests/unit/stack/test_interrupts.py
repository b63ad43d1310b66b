"""A Ctrl-C ends what may be ended and waits for what may not."""

import asyncio
import os
import signal

import pytest
from ccserver.stack.interrupts import finish, first_of, stop_requested


async def test_a_signal_cancels_the_task() -> None:
    async with stop_requested() as stop:
        task = asyncio.create_task(forever())
        os.kill(os.getpid(), signal.SIGTERM)
        await first_of(task, stop)
        assert task.cancelled()


async def test_a_failure_is_raised() -> None:
    async def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await first_of(asyncio.create_task(fails()), asyncio.Event())


async def test_what_must_be_finished_is_finished_before_the_cancellation() -> None:
    gate, steps = asyncio.Event(), list[str]()

    async def work() -> None:
        steps.append("began")
        await gate.wait()
        steps.append("ended")

    task = asyncio.create_task(finish(work()))
    while not steps:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["began", "ended"]


async def forever() -> None:
    await asyncio.Event().wait()
