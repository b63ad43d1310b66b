"""The supervisor: deaths are logged, counted, healed; closing leaves nothing behind."""

import asyncio
import contextlib

import pytest
from ccserver.background import BACKOFF_SECONDS, JITTER, STEADY_SECONDS, Backoff, Supervisor, TaskState
from prometheus_client import REGISTRY


class Clock:
    """A clock that moves when told, and a sleep that moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def supervisor(clock: Clock):
    supervisor = Supervisor(clock=clock, monotonic=clock, sleep=clock.sleep, chance=lambda: 0.0)
    yield supervisor
    await supervisor.close()


def test_backoff_is_the_list_then_its_last_value_and_resets():
    backoff = Backoff(chance=lambda: 0.0)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    backoff.reset()
    assert backoff.next() == 1


def test_backoff_jitter_only_lengthens():
    assert Backoff(chance=lambda: 1.0).next() == BACKOFF_SECONDS[0] * (1 + JITTER)


async def test_a_task_that_dies_starts_again_and_is_counted(supervisor: Supervisor, clock: Clock):
    runs = 0
    steady = asyncio.Event()

    async def flaky() -> None:
        nonlocal runs
        runs += 1
        if runs < 4:
            raise ValueError(f"run {runs}")
        steady.set()
        await asyncio.Event().wait()

    supervisor.spawn("flaky", flaky)
    await asyncio.wait_for(steady.wait(), 30)
    (status,) = supervisor.status()
    assert (status.name, status.state, status.deaths) == ("flaky", TaskState.RUNNING, 3)
    assert status.last_error == "ValueError: run 3"
    assert clock.slept == [1, 2, 4]
    assert supervisor.healthy
    assert REGISTRY.get_sample_value("ccserver_background_deaths_total", {"task": "flaky"}) == 3


async def test_a_long_good_run_forgets_earlier_failures(supervisor: Supervisor, clock: Clock):
    ends = asyncio.Event()
    runs = 0

    async def dies_late() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            clock.now += STEADY_SECONDS
        if runs == 4:
            ends.set()
            return
        raise OSError

    supervisor.spawn("late", dies_late)
    await asyncio.wait_for(ends.wait(), 30)
    assert clock.slept == [1, 2, 1]


async def test_waiting_is_unhealthy_and_visible():
    supervisor = Supervisor(chance=lambda: 0.0)
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    supervisor = Supervisor(sleep=sleep)

    async def dies() -> None:
        raise RuntimeError("no")

    supervisor.spawn("dies", dies)
    await asyncio.wait_for(asleep.wait(), 30)
    assert not supervisor.healthy
    assert supervisor.status()[0].state is TaskState.WAITING
    await supervisor.close()
    assert supervisor.status() == ()


async def test_returning_is_done_not_death(supervisor: Supervisor):
    async def ends() -> None:
        return

    supervisor.spawn("ends", ends)
    await asyncio.sleep(0)
    assert supervisor.status()[0].state is TaskState.DONE
    supervisor.spawn("ends", ends)  # a finished name may be used again


async def test_two_tasks_of_one_name_are_refused(supervisor: Supervisor):
    supervisor.spawn("one", asyncio.Event().wait)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one"):
        supervisor.spawn("one", asyncio.Event().wait)  # type: ignore[arg-type]


async def test_once_forgets_success_and_keeps_failure(supervisor: Supervisor):
    async def works() -> None:
        return

    async def fails() -> None:
        raise ValueError("broken")

    await supervisor.once("works", works)
    await supervisor.once("fails", fails)
    (status,) = supervisor.status()
    assert (status.name, status.state, status.deaths) == ("fails", TaskState.FAILED, 1)


async def test_close_cancels_the_youngest_first_and_awaits_cleanup(supervisor: Supervisor):
    ended: list[str] = []

    def task(name: str):
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        return run

    supervisor.spawn("old", task("old"))
    supervisor.spawn("young", task("young"))
    await asyncio.sleep(0)
    await supervisor.close()
    assert ended == ["young", "old"]
    with pytest.raises(RuntimeError):
        supervisor.spawn("late", task("late"))


async def test_stop_ends_one(supervisor: Supervisor):
    supervisor.spawn("one", asyncio.Event().wait)  # type: ignore[arg-type]
    await supervisor.stop("one")
    await supervisor.stop("never was")
    assert supervisor.status() == ()


async def test_a_log_that_fails_does_not_end_the_task(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    class FullDisk:
        def error(self, *args: object, **kwargs: object) -> None:
            raise OSError("no space left on device")

    monkeypatch.setattr("ccserver.background.log", FullDisk())
    runs = 0
    steady = asyncio.Event()

    async def flaky() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError
        steady.set()

    supervisor.spawn("flaky", flaky)
    await asyncio.wait_for(steady.wait(), 30)


async def test_a_lost_cancellation_is_said_again(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ccserver.background.CLOSE_SECONDS", 0.1)
    began = asyncio.Event()

    async def loses_one() -> None:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    supervisor.spawn("loses", loses_one)
    await began.wait()
    await asyncio.wait_for(supervisor.close(), 30)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "loses"]
