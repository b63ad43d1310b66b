"""A lock between processes, for work that must happen once per machine (building, extracting)."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ccserver.stack.problems import StackProblem

POLL_SECONDS = 0.2


@contextmanager
def machine_lock(path: Path, waiting: Callable[[], None], timeout_seconds: float) -> Iterator[None]:
    """Hold an exclusive lock on `path` for the block.

    The kernel frees it when the holder dies, so a killed build never blocks the next one.
    `waiting` is called once when another process holds the lock. Raises `StackProblem` after
    `timeout_seconds`. Blocks its thread: call it from a worker thread, not from the event loop.
    """
    deadline = time.monotonic() + timeout_seconds
    told = False
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StackProblem(
                        f"Another process has held {path} for {timeout_seconds:.0f} seconds. "
                        "Wait for it or stop it, then run this again."
                    ) from None
                if not told:
                    waiting()
                    told = True
                time.sleep(POLL_SECONDS)
        yield


@contextmanager
def sole_owner(path: Path, refusal: str) -> Iterator[None]:
    """Be the only process that holds `path` for the block; its content is then our process number.

    Raises `StackProblem` with `refusal`, in which `{pid}` becomes the holder's number.
    """
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise StackProblem(refusal.format(pid=handle.read().strip() or "unknown")) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
