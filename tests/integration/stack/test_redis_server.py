"""The Redis or Valkey that tests stop and start: the port stays, the data does not."""

from pathlib import Path

import pytest
import redis.asyncio
from ccserver.stack.redis_server import RedisServer
from redis.exceptions import ConnectionError as RedisConnectionError

pytestmark = pytest.mark.redis


@pytest.mark.parametrize("at_once", [False, True])
async def test_it_comes_back_on_its_port(tmp_path: Path, at_once: bool) -> None:
    server = RedisServer(tmp_path)
    url = await server.start()
    client = redis.asyncio.Redis.from_url(url)
    try:
        assert await client.set("key", "value")
        await server.stop(at_once=at_once)
        with pytest.raises(RedisConnectionError):
            await client.ping()
        assert await server.start() == url
        assert await client.get("key") is None
    finally:
        await client.aclose()
        await server.stop()
    assert not server.running
