"""All the looks, one after another; one that fails is said to be not checked, and the others go on."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from datetime import datetime

from ccserver.settings import Settings
from ccserver.stack.doctor.asterisk import check_asterisk
from ccserver.stack.doctor.bus import check_bus
from ccserver.stack.doctor.certificates import check_asterisk_certificates, check_public_url, now_utc
from ccserver.stack.doctor.configuration import check_configuration
from ccserver.stack.doctor.database import DatabaseFacts, check_database
from ccserver.stack.doctor.finding import Finding, bad, unknown
from ccserver.stack.doctor.keys import check_secret_file, check_secrets
from ccserver.stack.doctor.machine import (
    check_clock,
    check_disks,
    check_open_files,
    check_web_port_is_ours,
    check_zones,
    folders_to_watch,
)
from ccserver.stack.doctor.safety import check_backups
from ccserver.stack.installation import asterisk_layout, backup_folder, embedded
from ccserver.stack.problems import StackProblem
from ccserver.telephony.pbx_layout import PbxLayout


async def examine(settings: Settings, clock: Callable[[], datetime] = now_utc) -> AsyncIterator[Finding]:
    """Every precondition of a production start on the installation that ``settings`` name (see ``as_installed``)."""
    facts = DatabaseFacts()
    layout = None
    try:
        layout = await asyncio.to_thread(asterisk_layout, settings)
    except StackProblem as problem:
        yield bad("layout.json", str(problem), "ccserver asterisk adopt writes it anew")
    async for finding in _in_thread(
        "secrets", lambda: [*check_secrets(settings), check_secret_file(settings)]
    ):
        yield finding
    async for finding in _in_thread("TLS", lambda: _tls(settings, layout, clock())):
        yield finding
    async for finding in _told("database", _database(settings, facts)):
        yield finding
    async for finding in _told("Redis", check_bus(settings)):
        yield finding
    async for finding in _told("Asterisk", check_asterisk(settings, facts.trunks if facts.reached else None)):
        yield finding
    async for finding in _told(
        "configuration", check_configuration(settings, layout, facts.dsn if facts.reached else None)
    ):
        yield finding
    async for finding in _in_thread("machine", lambda: _machine(settings, layout, facts)):
        yield finding
    async for finding in _in_thread("backup", lambda: check_backups(backup_folder(settings), clock())):
        yield finding


def _tls(settings: Settings, layout: PbxLayout | None, now: datetime) -> list[Finding]:
    return [check_public_url(settings, now), *check_asterisk_certificates(layout, now)]


def _machine(settings: Settings, layout: PbxLayout | None, facts: DatabaseFacts) -> list[Finding]:
    return [
        check_clock(),
        check_zones(facts.zones),
        check_open_files(settings),
        check_web_port_is_ours(settings),
        *check_disks(folders_to_watch(settings, layout, backup_folder(settings))),
    ]


async def _database(settings: Settings, facts: DatabaseFacts) -> AsyncIterator[Finding]:
    server = embedded(settings)
    if server is None:
        dsn = settings.database_url
    elif (server.cluster / "postmaster.pid").exists():
        dsn = server.dsn()
    else:
        yield bad(
            "database",
            "DATABASE_URL is not set, and no embedded PostgreSQL runs",
            "set DATABASE_URL, or scripts/up",
        )
        return
    async for finding in check_database(settings, dsn, facts):
        yield finding


async def _told(name: str, findings: AsyncIterable[Finding]) -> AsyncIterator[Finding]:
    """A look that breaks is a fault of ours, not of the installation: say so and go on."""
    try:
        async for finding in findings:
            yield finding
    except Exception as error:
        yield unknown(name, f"the look itself failed ({type(error).__name__}: {error})")


async def _in_thread(name: str, look: Callable[[], Iterable[Finding]]) -> AsyncIterator[Finding]:
    async def findings() -> AsyncIterator[Finding]:
        for finding in await asyncio.to_thread(lambda: list(look())):
            yield finding

    async for finding in _told(name, findings()):
        yield finding
