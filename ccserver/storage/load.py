"""A database filled again from a dump (storage/dump.py): all of it or nothing. Everything here blocks.

The schema is brought to the very migrations of the dump, the rows come in one transaction, and only then the later
migrations of this version run, as an upgrade would have run them.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from ccserver.storage import migrate
from ccserver.storage.dump import (
    DatabaseDump,
    DumpError,
    PartitionDump,
    TableDump,
    applied_migrations,
    connected,
    count_sealed,
    fetch_value,
    sql,
    table_columns,
)
from ccserver.storage.queries import load_queries
from ccserver.storage.vault import Vault

_SQL = load_queries("dump")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_BOUND: Final = re.compile(
    r"DEFAULT|FOR VALUES FROM \('[0-9A-Za-z :.+-]{1,60}'\) TO \('[0-9A-Za-z :.+-]{1,60}'\)"
)
"""A partition's bounds as PostgreSQL writes them: the one thing of an archive that becomes part of a statement."""


def check_target(dsn: str, dump: DatabaseDump, *, replace: bool) -> None:
    """Whether this database may be filled, without touching it. Raises DumpError, SchemaError, Unavailable."""
    _check_known(dump)
    with connected(dsn) as connection:
        tables = table_columns(connection)
        applied = applied_migrations(connection)
        if tables and not applied:
            raise DumpError(
                "The database holds tables that are not ccserver's. Restore into a database of its own."
            )
        unknown = set(applied) - set(migrate.known_migrations())
        if unknown:
            raise DumpError(
                f"The database was used by a newer ccserver (migration {min(unknown)}). Install that version."
            )
        clients = fetch_value(connection, sql(_SQL["clients"]))
        if clients:
            raise DumpError(
                f"A ccserver is at work on this database ({clients} connections). Stop it first, then restore."
            )
        if not replace:
            filled = [name for name in tables if _is_filled(connection, name)]
            if filled:
                raise DumpError(
                    f"The database is not empty (there are rows in {', '.join(filled[:4])}). "
                    "With --replace everything in it is deleted first."
                )


def load_database(
    dsn: str, dump: DatabaseDump, pieces: Iterable[tuple[str, bytes]], vault: Vault
) -> tuple[str, ...]:
    """Replace everything in the database by the dump; returns the migrations applied after it.

    ``pieces`` come in the order in which they were written. Raises DumpError, SchemaError, Unavailable: then the
    database holds what it held before (at most with newer, empty tables).
    """
    migrate.apply(dsn, only=dump.migrations)
    with connected(dsn) as connection, connection.transaction():
        connection.execute(sql(_SQL["settings_of_text"]))
        _delete_everything(connection)
        _undo_later_migrations(connection, dump)
        _make_partitions(connection, dump.partitions)
        _copy_in(connection, dump, pieces)
        for sequence in dump.sequences:
            values = [sequence.name, sequence.last_value, sequence.is_called]
            connection.execute(sql(_SQL["set_sequence"]), values)
        _check_sealed(connection, dump, vault)
        for table in dump.tables:
            connection.execute(sql(_SQL["analyze"]).format(table=Identifier(table.name)))
    return migrate.apply(dsn)


def _check_known(dump: DatabaseDump) -> None:
    unknown = set(dump.migrations) - set(migrate.known_migrations())
    if unknown:
        raise DumpError(
            f"The archive was made by a newer ccserver (migration {min(unknown)}). Install that version, then restore."
        )
    names = [*(table.name for table in dump.tables), *(part.name for part in dump.partitions)]
    if not all(_NAME.fullmatch(name) for name in names):
        raise DumpError("The archive names tables as ccserver never would. It is not used.")
    if not all(_BOUND.fullmatch(part.bound) for part in dump.partitions):
        raise DumpError("The archive has a partition with bounds that ccserver never makes. It is not used.")


def _is_filled(connection: psycopg.Connection, table: str) -> bool:
    return bool(fetch_value(connection, sql(_SQL["is_filled"]).format(table=Identifier(table))))


def _delete_everything(connection: psycopg.Connection) -> None:
    names = SQL(", ").join(Identifier(name) for name in table_columns(connection))
    connection.execute(sql(_SQL["empty"]).format(tables=names))


def _undo_later_migrations(connection: psycopg.Connection, dump: DatabaseDump) -> None:
    """Inside our transaction, so that a restore that fails leaves the newer schema with its rows."""
    for migration in reversed(applied_migrations(connection)):
        if migration not in dump.migrations:
            undo = Path(migrate.MIGRATIONS / f"{migration}.rollback.sql").read_text("utf-8")
            connection.execute(sql(undo))
            connection.execute(sql(_SQL["forget_migration"]), [migration])
    if applied_migrations(connection) != dump.migrations:
        raise DumpError("The database's schema changed while it was being restored. Try again.")


def _make_partitions(connection: psycopg.Connection, wanted: Iterable[PartitionDump]) -> None:
    there = {name: (parent, bound) for parent, name, bound in connection.execute(sql(_SQL["partitions"]))}
    for part in wanted:
        if part.name not in there:
            connection.execute(
                sql(_SQL["make_partition"]).format(
                    name=Identifier(part.name), parent=Identifier(part.parent), bound=sql(part.bound)
                )
            )
        elif there[part.name] != (part.parent, part.bound):
            raise DumpError(f"The partition {part.name} exists with other bounds than in the archive.")


def _copy_in(connection: psycopg.Connection, dump: DatabaseDump, pieces: Iterable[tuple[str, bytes]]) -> None:
    wanted = {table.name: table for table in dump.tables}
    filled: dict[str, int] = {}
    for name in wanted:
        # What triggers have derived is in the dump too; derived again, it would be there twice.
        connection.execute(sql(_SQL["rest_triggers"]).format(table=Identifier(name)))
    for name, group in groupby(pieces, key=itemgetter(0)):
        if name not in wanted or name in filled:
            raise DumpError(f"The archive has rows of {name} where none belong.")
        filled[name] = _copy_table(connection, wanted[name], (piece for _, piece in group))
    for name in wanted:
        connection.execute(sql(_SQL["wake_triggers"]).format(table=Identifier(name)))
    for table in dump.tables:
        if filled.get(table.name, 0) != table.rows:
            raise DumpError(
                f"Table {table.name}: {filled.get(table.name, 0)} rows came in, {table.rows} were saved."
            )


def _copy_table(connection: psycopg.Connection, table: TableDump, pieces: Iterator[bytes]) -> int:
    columns = SQL(", ").join(Identifier(column) for column in table.columns)
    query = sql(_SQL["copy_in"]).format(table=Identifier(table.name), columns=columns)
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for piece in pieces:
                copy.write(piece)
        return cursor.rowcount


def _check_sealed(connection: psycopg.Connection, dump: DatabaseDump, vault: Vault) -> None:
    _, unreadable = count_sealed(connection, vault)
    if unreadable > dump.unreadable:
        raise DumpError(
            f"{unreadable} of the {dump.sealed} sealed secrets (SIP passwords) cannot be opened: SECRETS_KEY lacks "
            "the key that they were sealed with. Nothing was restored. Set SECRETS_KEY to the keys of that day."
        )
