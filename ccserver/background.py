"""Background tasks: owned, named, supervised. No task of the server runs outside a ``Supervisor``.

A task that dies is logged, counted and started again after a back-off; ``/health`` lists it. Closing the
supervisor cancels every task and waits for it, in the reverse order of their start.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog
from prometheus_client import Counter

BACKOFF_SECONDS: tuple[float, ...] = (1, 2, 4, 8, 16, 30)
"""Delays before each new attempt at anything that fails; the last one repeats."""

JITTER = 0.25
"""Each delay is lengthened by up to this part of itself: nodes that fell together do not rise together."""

STEADY_SECONDS = 60.0
"""A task that ran this long before it died is thought healthy: its back-off starts from the beginning."""

CLOSE_SECONDS = 10.0
"""A cancelled task that is still there after this long is logged and left behind."""

CANCEL_ATTEMPTS = 5
"""A cancellation can get lost (asyncio.wait_for on Python 3.11), so it is said again."""

DEATHS = Counter("ccserver_background_deaths_total", "Background tasks that died of an error", ["task"])

Sleep = Callable[[float], Awaitable[None]]
TaskFactory = Callable[[], Coroutine[Any, Any, None]]

log = structlog.get_logger(__name__)


class Backoff:
    """Delays of ``BACKOFF_SECONDS`` with jitter, one per failure in a row."""

    def __init__(
        self,
        delays: tuple[float, ...] = BACKOFF_SECONDS,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._delays = delays
        self._chance = chance
        self.failures = 0

    def next(self) -> float:
        """Count one more failure and return the seconds to wait before the next attempt."""
        delay = self._delays[min(self.failures, len(self._delays) - 1)]
        self.failures += 1
        return delay * (1 + JITTER * self._chance())

    def reset(self) -> None:
        """The attempt succeeded: the next failure waits the shortest delay again."""
        self.failures = 0


class TaskState(StrEnum):
    """``waiting``: dead, to be started again after its back-off. ``done`` and ``failed`` do not come back."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One task as ``/health`` shows it. ``since``: epoch seconds of its last change of state."""

    name: str
    state: TaskState
    since: float
    deaths: int
    last_error: str


@dataclass(slots=True)
class _Watched:
    name: str
    since: float
    state: TaskState = TaskState.RUNNING
    deaths: int = 0
    last_error: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Owns background tasks. ``spawn`` for those that must always run, ``once`` for a piece of work."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._chance = chance
        self._watched: dict[str, _Watched] = {}
        self._closing = False

    def spawn(self, name: str, factory: TaskFactory) -> None:
        """Run ``factory()`` until ``close``; started again whenever it raises, left alone when it returns.

        Raises ValueError if a live task has this name, RuntimeError after ``close``.
        """
        watched = self._admit(name)
        watched.task = asyncio.create_task(self._keep(watched, factory), name=name)

    def once(self, name: str, factory: TaskFactory) -> asyncio.Task[None]:
        """Run ``factory()`` one time; a failure is logged and counted, and not tried again.

        The task returned never raises the failure: awaiting it waits for the end only. It is forgotten when
        it succeeds and listed as ``failed`` until a task of the same name replaces it when it does not.
        """
        watched = self._admit(name)
        watched.task = asyncio.create_task(self._run_once(watched, factory), name=name)
        return watched.task

    async def stop(self, name: str) -> None:
        """Cancel one task, wait for it and forget it. An unknown name is fine: it is stopped already."""
        watched = self._watched.pop(name, None)
        if watched is not None:
            await _cancel(watched)

    def status(self) -> tuple[TaskStatus, ...]:
        """Every task known, by name."""
        return tuple(
            TaskStatus(w.name, w.state, w.since, w.deaths, w.last_error)
            for w in sorted(self._watched.values(), key=lambda w: w.name)
        )

    @property
    def healthy(self) -> bool:
        """Whether no task is dead at this moment."""
        return all(w.state in (TaskState.RUNNING, TaskState.DONE) for w in self._watched.values())

    async def close(self) -> None:
        """Cancel every task, the youngest first, and wait for each. May be called twice."""
        self._closing = True
        for watched in reversed(list(self._watched.values())):
            await _cancel(watched)
        self._watched.clear()

    def _admit(self, name: str) -> _Watched:
        if self._closing:
            raise RuntimeError(f"the supervisor is closed, {name} cannot start")
        known = self._watched.get(name)
        if known is not None and known.task is not None and not known.task.done():
            raise ValueError(f"a task named {name} is running")
        self._watched.pop(name, None)  # so that the order of the dict stays the order of starts
        watched = self._watched[name] = _Watched(name, self._clock())
        return watched

    async def _keep(self, watched: _Watched, factory: TaskFactory) -> None:
        backoff = Backoff(chance=self._chance)
        while True:
            started = self._monotonic()
            self._set(watched, TaskState.RUNNING)
            try:
                await factory()
            except Exception as error:
                if self._monotonic() - started >= STEADY_SECONDS:
                    backoff.reset()
                delay = backoff.next()
                self._died(watched, error, TaskState.WAITING, retry_in_seconds=round(delay, 2))
                await self._sleep(delay)
            else:
                self._set(watched, TaskState.DONE)
                return

    async def _run_once(self, watched: _Watched, factory: TaskFactory) -> None:
        try:
            await factory()
        except Exception as error:
            self._died(watched, error, TaskState.FAILED)
        else:
            if self._watched.get(watched.name) is watched:
                del self._watched[watched.name]

    def _set(self, watched: _Watched, state: TaskState) -> None:
        watched.state = state
        watched.since = self._clock()

    def _died(self, watched: _Watched, error: Exception, state: TaskState, **more: object) -> None:
        watched.deaths += 1
        watched.last_error = f"{type(error).__name__}: {error}"
        self._set(watched, state)
        DEATHS.labels(task=watched.name).inc()
        with contextlib.suppress(Exception):  # a log that cannot be written must not end what it tells of
            log.error(
                "background task died", task=watched.name, deaths=watched.deaths, exc_info=error, **more
            )


async def _cancel(watched: _Watched) -> None:
    task = watched.task
    if task is None or task.done() or task is asyncio.current_task():
        return
    left = {task}
    for _ in range(CANCEL_ATTEMPTS):
        task.cancel()
        _, left = await asyncio.wait(left, timeout=CLOSE_SECONDS / CANCEL_ATTEMPTS)
        if not left:
            break
    if left:
        log.error("background task does not end", task=watched.name)
    elif not task.cancelled() and task.exception() is not None:
        log.error("background task failed while closing", task=watched.name, exc_info=task.exception())
