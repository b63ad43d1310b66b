"""Migrations: yoyo applies ``migrations/NNNN.verb-noun.sql`` one process at a time; the server only checks.

Everything here blocks and belongs to a command or a thread, except ``check_applied`` which is pure.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import yoyo
from psycopg.errors import LockNotAvailable

from ccserver.domain.errors import Unavailable

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 0x63637365_72766572
"""Advisory lock of one migration at a time: the bytes of "ccserver". Let go by PostgreSQL if we are killed,
unlike yoyo's own lock, which is a row that stays."""
_LOCK_WAIT_SECONDS = 60


class SchemaError(Exception):
    """The database's schema is not the one this server was written for; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """Ids of migrations: applied, still to apply, and applied but unknown to this version."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


def known_migrations(folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Ids of the migrations that this version brings, in order."""
    return tuple(sorted(p.stem for p in folder.glob("*.sql") if not p.name.endswith(".rollback.sql")))


def compare(known: Iterable[str], applied: Iterable[str]) -> SchemaStatus:
    """What is applied, pending and unknown."""
    have, want = set(applied), set(known)
    return SchemaStatus(tuple(sorted(have)), tuple(sorted(want - have)), tuple(sorted(have - want)))


def check_applied(known: Iterable[str], applied: Iterable[str]) -> None:
    """Raises SchemaError unless exactly the known migrations are applied."""
    status = compare(known, applied)
    if status.unknown:
        raise SchemaError(
            f"The database has migrations that this version does not know ({', '.join(status.unknown)}): "
            "it was used by a newer ccserver. Install that version, or restore an older database."
        )
    if status.pending:
        raise SchemaError(
            f"The database lacks {len(status.pending)} migration(s), first {status.pending[0]}. "
            "Run: ccserver migrate"
        )


def apply(dsn: str, folder: Path = MIGRATIONS, *, only: Collection[str] | None = None) -> tuple[str, ...]:
    """Apply what is pending and return its ids. Raises Unavailable, or SchemaError for a newer schema.

    ``only``: no other migrations than these (a restore brings up the schema of its archive first).
    """
    with _locked(dsn), _backend(dsn) as backend:
        migrations = yoyo.read_migrations(str(folder))
        status = compare((m.id for m in migrations), _applied(backend))
        if status.unknown:
            check_applied(known_migrations(folder), status.applied)
        if only is not None:
            migrations = migrations.filter(lambda m: m.id in only)
        pending = backend.to_apply(migrations)
        ids = tuple(m.id for m in pending)
        backend.apply_migrations(pending)
        return ids


def rollback(dsn: str, count: int, folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Undo the last ``count`` applied migrations, newest first, and return their ids. Their data is lost."""
    with _locked(dsn), _backend(dsn) as backend:
        last = backend.to_rollback(yoyo.read_migrations(str(folder)))[:count]
        ids = tuple(m.id for m in last)
        backend.rollback_migrations(last)
        return ids


def status(dsn: str, folder: Path = MIGRATIONS) -> SchemaStatus:
    """Which migrations are applied, pending, unknown. Raises Unavailable."""
    with _backend(dsn) as backend:
        return compare(known_migrations(folder), _applied(backend))


def _applied(backend: yoyo.backends.DatabaseBackend) -> tuple[str, ...]:
    # Not yoyo's get_applied_migration_hashes: names are wanted, and asking must not create anything.
    if backend.execute("SELECT to_regclass('_yoyo_migration')").fetchone()[0] is None:
        return ()
    rows = backend.execute("SELECT migration_id FROM _yoyo_migration ORDER BY migration_id").fetchall()
    return tuple(row[0] for row in rows)


@contextlib.contextmanager
def _backend(dsn: str) -> Iterator[yoyo.backends.DatabaseBackend]:
    parts = urlsplit(dsn)
    try:
        backend = yoyo.get_backend(urlunsplit(parts._replace(scheme="postgresql+psycopg")))
    except psycopg.OperationalError as error:
        raise Unavailable("database_away") from error
    try:
        yield backend
    finally:
        backend.connection.close()


@contextlib.contextmanager
def _locked(dsn: str) -> Iterator[None]:
    try:
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Unavailable("database_away") from error
    with contextlib.closing(connection):
        try:
            connection.execute(f"SET lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        except LockNotAvailable as error:
            raise Unavailable("migration_running") from error
        yield
