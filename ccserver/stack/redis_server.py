"""A Redis or Valkey server for tests: on loopback, without a file on disk, restartable on its port."""

import asyncio
import shutil
import signal
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from ccserver.stack.ports import free_tcp_port
from ccserver.stack.problems import StackProblem
from ccserver.stack.processes import Child, spawn

PROGRAMS = ("valkey-server", "redis-server")
POLL_SECONDS = 0.02
START_SECONDS = 20.0


def find_redis_program() -> str:
    """The server's program. Raises `StackProblem` when neither Valkey nor Redis is installed."""
    for name in PROGRAMS:
        program = shutil.which(name)
        if program:
            return program
    raise StackProblem("No Redis or Valkey server is installed. Run: apt-get install redis-server")


class RedisServer:
    """Start, stop and start again on the same port, as a network operator would."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_tcp_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    async def start(self) -> str:
        """Start it, wait until it answers, and return its URL. Raises `StackProblem`."""
        program = await asyncio.to_thread(find_redis_program)
        await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True)
        self._child = await spawn(
            "Redis",
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            log=self.folder / "redis.log",
            cwd=self.folder,
        )
        await self._wait_ready(self._child)
        return self.url

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop it; `at_once` kills it so that clients see a reset, not a goodbye."""
        if self._child:
            await self._child.stop(first=signal.SIGKILL if at_once else signal.SIGTERM)
            self._child = None

    async def _wait_ready(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        client = redis.asyncio.Redis(host="127.0.0.1", port=self.port, socket_timeout=2)
        try:
            while True:
                try:
                    await client.ping()
                except (RedisError, OSError) as error:
                    if not child.running or loop.time() > deadline:
                        raise StackProblem(f"Redis does not start: {child.last_words(2)}") from error
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    return
        finally:
            await client.aclose()
