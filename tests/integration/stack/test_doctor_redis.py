"""The doctor's looks at a real Redis or Valkey server."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from ccserver.stack.doctor.bus import check_bus
from ccserver.stack.doctor.finding import Level
from ccserver.stack.ports import free_tcp_port
from ccserver.stack.processes import Child, spawn
from ccserver.stack.redis_server import RedisServer, find_redis_program

from tests.integration.stack.healthy import GOOD, collected
from tests.rig.wait import until


async def redis_on(folder: Path, *options: str) -> tuple[Child, int]:
    port = free_tcp_port()
    child = await spawn(
        "Redis",
        [find_redis_program(), "--port", str(port), "--save", "", "--appendonly", "no", *options],
        log=folder / f"redis-{port}.log",
        cwd=folder,
    )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await until(answers, "Redis listens")
    return child, port


@pytest.mark.redis
async def test_redis(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    settings = replace(GOOD, redis_url=await server.start())
    found = await collected(check_bus(settings))
    assert {finding.level for finding in found.values()} == {Level.GOOD} and len(found) == 2
    await server.stop()
    assert (await collected(check_bus(settings)))["Redis"].level is Level.BAD
    assert (await collected(check_bus(GOOD)))["Redis"].level is Level.GOOD
    assert (await collected(check_bus(GOOD.with_role("web"))))["Redis"].level is Level.BAD


@pytest.mark.redis
async def test_a_redis_that_answers_to_everybody_is_red(tmp_path: Path) -> None:
    everywhere = ("--bind", "0.0.0.0", "--protected-mode", "no")
    child, port = await redis_on(tmp_path, *everywhere)
    try:
        open_to_all = await collected(check_bus(replace(GOOD, redis_url=f"redis://127.0.0.1:{port}/0")))
        assert open_to_all["Redis not public"].level is Level.BAD, open_to_all
    finally:
        await child.stop()
    child, port = await redis_on(tmp_path, *everywhere, "--requirepass", "a-long-one")
    try:
        url = f"redis://:a-long-one@127.0.0.1:{port}/0"
        closed = await collected(check_bus(replace(GOOD, redis_url=url)))
        assert closed["Redis not public"].level is Level.GOOD, closed
        refused = await collected(check_bus(replace(GOOD, redis_url=url.replace("a-long-one", "other"))))
        assert refused["Redis"].level is Level.BAD and "password" in refused["Redis"].detail
    finally:
        await child.stop()
