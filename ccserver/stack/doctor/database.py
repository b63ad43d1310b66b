"""PostgreSQL: there, new enough, in the right state, with the rights and the accounts that production needs."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

from ccserver.domain.errors import Unavailable
from ccserver.services.accounts import BOOTSTRAP_PASSWORD
from ccserver.services.hashing import Hashing
from ccserver.settings import Settings
from ccserver.stack.doctor.finding import Finding, advice, bad, good, unknown
from ccserver.storage import migrate
from ccserver.storage.dump import DumpError, count_sealed, reading
from ccserver.storage.queries import load_queries
from ccserver.storage.vault import Vault, VaultError

_SQL = load_queries("doctor")

OLDEST: Final = 150000
CONNECT_SECONDS: Final = 5.0
CONNECTIONS_OF_A_NODE: Final = 25
"""Two pools of ten, the watch on the database, the owner's lock, and commands beside them."""
DRIFT_SECONDS: Final = 1.0


class DatabaseFacts:
    """What the other looks need from the database; empty while it cannot be reached."""

    def __init__(self) -> None:
        self.zones: tuple[str, ...] = ()
        self.trunks: tuple[tuple[str, str], ...] = ()
        """Slug and mode of every trunk in use."""
        self.reached = False
        self.dsn = ""


async def check_database(settings: Settings, dsn: str, facts: DatabaseFacts) -> AsyncIterator[Finding]:
    """Every look at PostgreSQL, and ``facts`` for the others."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield bad("database", f"not reached: {why}", "start PostgreSQL, or mend DATABASE_URL")
        return
    try:
        async for finding in _server(connection):
            yield finding
        yield await _drift(connection)
        yield await _role(connection)
        status = await asyncio.to_thread(migrate.status, dsn)
        yield _schema(status)
        if status.pending or status.unknown:
            return
        facts.reached, facts.dsn = True, dsn
        async for finding in _content(connection, facts):
            yield finding
    finally:
        await connection.close()
    yield await asyncio.to_thread(_sealed, settings, dsn)


async def _server(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    row = await connection.fetchrow(_SQL["server"])
    if row["number"] < OLDEST:
        yield bad("database version", f"PostgreSQL {row['version']}", "upgrade to PostgreSQL 15 or newer")
    else:
        yield good("database version", f"PostgreSQL {row['version']}")
    if row["encoding"] != "UTF8":
        yield bad(
            "database encoding",
            row["encoding"],
            "make the database anew: CREATE DATABASE ... ENCODING 'UTF8'",
        )
    else:
        yield good("database encoding", "UTF8")
    yield _connections(row)
    if row["fsync"] != "on" or row["full_page_writes"] != "on":
        yield bad(
            "database durability",
            "fsync or full_page_writes is off",
            "turn both on: a power cut loses the database",
        )
    else:
        yield good("database durability", "fsync and full_page_writes are on")
    if not row["is_local"] and not row["ssl"]:
        yield advice(
            "database connection", "over the network in clear", "add ?sslmode=verify-full to DATABASE_URL"
        )
    else:
        yield good("database connection", "on this machine" if row["is_local"] else "encrypted")


def _connections(row: Any) -> Finding:
    name, free = "database connections", row["max_connections"] - row["reserved"]
    told = f"max_connections = {row['max_connections']}, a node takes up to {CONNECTIONS_OF_A_NODE}"
    if free < CONNECTIONS_OF_A_NODE:
        return bad(name, told, "max_connections = 100 in postgresql.conf, and restart PostgreSQL")
    if free < 2 * CONNECTIONS_OF_A_NODE:
        return advice(name, told, "max_connections = 100 leaves room for a second node, backups and yourself")
    return good(name, told)


async def _drift(connection: asyncpg.Connection) -> Finding:
    before = time.time()
    there = (await connection.fetchval(_SQL["time"])).timestamp()
    after = time.time()
    drift = max(before - there, there - after, 0.0)
    if drift > DRIFT_SECONDS:
        return bad(
            "clock of the database", f"{drift:.1f} s away from ours", "synchronise both machines (chrony)"
        )
    return good("clock of the database", f"within {max(drift, after - before) * 1000:.0f} ms of ours")


async def _role(connection: asyncpg.Connection) -> Finding:
    name, role = "database role", await connection.fetchrow(_SQL["role"])
    member = await connection.fetchval(_SQL["member"])
    if not member and not role["makes_roles"] and not role["superuser"]:
        return bad(
            name,
            f"{role['name']} may neither make roles nor use ccserver_app and ccserver_system",
            f"as a superuser: CREATE ROLE ccserver_app; CREATE ROLE ccserver_system; "
            f"GRANT ccserver_app, ccserver_system TO {role['name']}",
        )
    if not role["may_create"]:
        return bad(
            name,
            f"{role['name']} may not create in the database",
            f"ALTER DATABASE ... OWNER TO {role['name']}",
        )
    if role["superuser"] or role["bypasses"]:
        return advice(
            name,
            f"{role['name']} is a superuser or bypasses row security",
            "a role that only owns the database is enough",
        )
    return good(name, f"{role['name']} owns its database and is no superuser")


def _schema(status: migrate.SchemaStatus) -> Finding:
    if status.unknown:
        return bad("migrations", f"{status.unknown[0]} is of a newer ccserver", "install that version")
    if status.pending:
        return bad(
            "migrations", f"{len(status.pending)} missing, first {status.pending[0]}", "ccserver migrate"
        )
    return good("migrations", f"all applied, the last is {status.applied[-1]}")


async def _content(connection: asyncpg.Connection, facts: DatabaseFacts) -> AsyncIterator[Finding]:
    facts.zones = tuple(row["zone"] for row in await connection.fetch(_SQL["zones"]))
    facts.trunks = tuple((row["slug"], row["mode"]) for row in await connection.fetch(_SQL["trunks_in_use"]))
    missing = [row["zone"] for row in await connection.fetch(_SQL["unknown_zones"])]
    if missing:
        yield bad(
            "database time zones",
            f"unknown there: {', '.join(missing)}",
            "mend the site's zone, or tzdata there",
        )
    else:
        yield good("database time zones", "those of all sites are known")
    chiefs = await connection.fetch(_SQL["chiefs"])
    yield await _first_account(chiefs)


async def _first_account(chiefs: list[Any]) -> Finding:
    name = "first account"
    if not chiefs:
        return good(name, "not made yet: the first start makes it")
    hashing = Hashing(workers=1)
    try:
        for chief in chiefs:
            if await hashing.verify(chief["password_hash"], BOOTSTRAP_PASSWORD):
                return bad(
                    name,
                    f"{chief['login']} still has the password that everybody knows",
                    "log in and change it",
                )
    finally:
        hashing.close()
    waiting = [chief["login"] for chief in chiefs if chief["must_change_password"]]
    if waiting:
        return bad(
            name,
            f"{', '.join(waiting)}: still the first password, which somebody else has seen",
            "log in once with each and change it, or deactivate it",
        )
    return good(name, "every administrator has chosen a password")


def _sealed(settings: Settings, dsn: str) -> Finding:
    name = "sealed secrets"
    try:
        vault = Vault(settings.secrets_key)
        with reading(dsn) as connection:
            total, closed = count_sealed(connection, vault)
    except (VaultError, DumpError, Unavailable) as error:
        return unknown(name, str(error))
    if closed:
        return bad(
            name,
            f"{closed} of {total} do not open with this SECRETS_KEY: those phones and trunks cannot log in",
            "put back the key (data/secrets.json), or set these secrets anew",
        )
    return good(name, f"all {total} open with this SECRETS_KEY")
