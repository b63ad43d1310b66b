"""Redis or Valkey: needed when several processes share the work, and open to nobody else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

import redis.asyncio
from redis.exceptions import AuthenticationError, RedisError

from ccserver.settings import Settings
from ccserver.stack.doctor.exposure import is_this_machine, listening
from ccserver.stack.doctor.finding import Finding, bad, good, unknown

OLDEST: Final = 6
_SECONDS: Final = 5.0


async def check_bus(settings: Settings) -> AsyncIterator[Finding]:
    """Every look at the bus."""
    if not settings.redis_url:
        if settings.role == "all":
            yield good("Redis", "not needed: one process does it all")
        else:
            yield bad(
                "Redis",
                f"REDIS_URL is not set, and the role is {settings.role}",
                "set REDIS_URL on every node",
            )
        return
    try:
        async with redis.asyncio.from_url(
            settings.redis_url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        ) as client:
            info = await client.info("server")
    except AuthenticationError:
        yield bad(
            "Redis", "refuses the password of REDIS_URL", "mend REDIS_URL (redis://:password@host:6379/0)"
        )
        return
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        yield bad("Redis", f"not reached: {type(error).__name__}", "start it, or mend REDIS_URL")
        return
    version = str(info.get("valkey_version") or info.get("redis_version") or "?")
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) < OLDEST:
        yield bad("Redis", f"answers, version {version}", f"upgrade to {OLDEST} or newer, or to Valkey")
    else:
        yield good("Redis", f"answers, version {version}")
    yield await _exposure(settings.redis_url)


async def _exposure(url: str) -> Finding:
    """Whoever gets in can command calls: from outside it must ask for a password."""
    name, parts = "Redis not public", urlsplit(url)
    if parts.scheme == "unix":
        return good(name, "a socket of this machine")
    host, port = parts.hostname or "127.0.0.1", parts.port or 6379
    local = await asyncio.to_thread(is_this_machine, host)
    addresses = (
        [str(a) for a in await asyncio.to_thread(listening, port) if not a.is_loopback] if local else [host]
    )
    if not addresses:
        return good(name, f"port {port} listens on loopback only")
    target = await asyncio.to_thread(_outer_address, addresses[0]) if local else host
    if target is None:
        return unknown(name, "it listens on every address, but this machine has none beyond loopback to try")
    if await _lets_anybody_in(target, port):
        return bad(
            name,
            f"{target}:{port} answers without a password",
            "requirepass in redis.conf (and in REDIS_URL), or bind 127.0.0.1",
        )
    return good(name, f"{target}:{port} asks for a password")


def _outer_address(address: str) -> str | None:
    """An address of this machine by which others would come."""
    if address not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the system only says which of its addresses it would use.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return None


async def _lets_anybody_in(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
