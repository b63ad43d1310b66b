"""The last words of `ccserver up`: where it is, who may log in, and how a first call is placed."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from ccserver.settings import Settings

FIRST_LOGIN = "admin"
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the start has found out. `sip_port` is None when somebody else runs Asterisk."""

    url: str
    log: Path
    database_url: str = ""
    sip_port: int | None = None


async def closing_words(settings: Settings, facts: Facts, demo: Sequence[str] = ()) -> list[str]:
    """Lines for a newcomer, fitting the state of the database; what the demo says instead of a first call."""
    unchanged = await first_password_unchanged(facts.database_url)
    lines = ["", f"ccserver is ready: {facts.url}", ""]
    if unchanged:
        password = await asyncio.to_thread(first_password, settings, facts.log)
        lines.append(f"Log in as {FIRST_LOGIN}, password {password}. It must be changed at the first login.")
    else:
        lines.append("Log in with your account.")
    lines += demo if demo else first_call(facts.sip_port)
    return [*lines, "", f"Log: {facts.log}", "Ctrl-C stops everything; the data stays."]


def first_call(sip_port: int | None) -> list[str]:
    """How a first call is placed."""
    where = f"127.0.0.1:{sip_port} (UDP or TCP)" if sip_port else "your Asterisk"
    return [
        "",
        "A first call:",
        "  1. On the page Sites, add a site with its number, and the trunk to its gateway.",
        "  2. On the page Users, add an agent of that site with an extension; its secrets are shown once.",
        f"  3. Register a softphone at {where} with that extension and SIP secret.",
        "  4. Log in as the agent, type a number, press Call: the phone rings first, then the customer.",
        "Or see it at once, with sites, agents and calls: scripts/up --demo",
    ]


def web_url(settings: Settings) -> str:
    """Where a browser on this machine reaches the server."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "") else settings.host  # noqa: S104 - compared only
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def first_password(settings: Settings, log: Path) -> str:
    """What to tell of the first account's password."""
    if settings.bootstrap_password:
        return "as BOOTSTRAP_PASSWORD says"
    if settings.is_loopback:
        return "admin"
    made = re.findall(r"^First account: \S+ / (\S+)", log.read_text(errors="replace"), re.MULTILINE)
    return made[-1] if made else f"as the line 'First account' in {log} says"


async def first_password_unchanged(database_url: str) -> bool:
    """Whether the first account still has the password it was made with.

    The server makes that account when it starts: it is waited for, though not for long. A database that
    does not let us look counts as used.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    try:
        connection = await asyncpg.connect(database_url, timeout=10)
        try:
            await connection.execute("SET ROLE ccserver_system")
            while loop.time() < deadline:
                must = await connection.fetchval(
                    "SELECT must_change_password FROM users WHERE lower(login) = $1", FIRST_LOGIN
                )
                if must is not None:
                    return bool(must)
                if await connection.fetchval("SELECT EXISTS (SELECT FROM users)"):
                    return False
                await asyncio.sleep(POLL_SECONDS)
            return False
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
