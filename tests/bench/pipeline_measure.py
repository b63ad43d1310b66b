"""How one reader of the capture is measured, ours and others alike. Nothing of ccserver is imported here.

CPU is that of the whole process, threads included, from the first measured byte to silence.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

QUIET_SECONDS = 0.03

Progress = Callable[[], int]
"""Events done so far."""


async def until_quiet(progress: Progress, wanted: int, activity: Callable[[], int]) -> None:
    """All events are done, and then nothing more happened for a while."""
    async with asyncio.timeout(60):
        while progress() < wanted:
            await asyncio.sleep(0.01)
    seen = -1
    while seen != activity():
        seen = activity()
        await asyncio.sleep(QUIET_SECONDS)


async def measure(
    reader: Callable[[int], Awaitable[Progress]],
    total: int,
    calls: int,
    warm: int,
    mode: str,
    activity: Callable[[], int] = int,
) -> dict[str, float]:
    """Let ``reader`` connect to a fresh AMI server, warm up on ``warm`` events and read the others."""
    command = (sys.executable, "-m", "tests.bench.ami_server", str(calls), str(warm), mode)
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert server.stdin and server.stdout
    progress = await reader(int(await server.stdout.readline()))
    await asyncio.sleep(0.2)
    server.stdin.write(b"go\n")
    await until_quiet(progress, warm, activity)
    began, cpu = time.perf_counter(), time.process_time()
    server.stdin.write(b"go\n")
    await until_quiet(progress, total, activity)
    spent, lasted = time.process_time() - cpu, time.perf_counter() - began
    server.kill()
    await server.wait()
    return {"events": total - warm, "cpu_us": spent * 1e6, "seconds": lasted}
