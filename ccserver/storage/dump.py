"""The whole database as text pieces, from one moment, without ``pg_dump``: for backups.

One read-only transaction sees everything as of its start while the server goes on working. ``COPY`` writes each
table as text, which every supported PostgreSQL reads; the schema is not written at all but named, by the list of
migrations that made it (docs/decisions/0012-backups-of-our-own.md). Everything here blocks.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import msgspec
import psycopg
from psycopg.sql import SQL, Composed, Identifier

from ccserver.domain.errors import Unavailable
from ccserver.storage.queries import load_queries
from ccserver.storage.vault import Vault, VaultError

PIECE_BYTES = 4 << 20
"""About how much of a table is held in memory at once."""

_SQL = load_queries("dump")


class DumpError(Exception):
    """The database cannot be dumped or filled; the message is for the operator."""


class TableDump(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a dump: its columns in the order of its text, and how many rows there are."""

    name: str
    columns: tuple[str, ...]
    rows: int


class PartitionDump(msgspec.Struct, frozen=True, kw_only=True):
    """A partition that must exist before its parent's rows come back."""

    parent: str
    name: str
    bound: str


class SequenceDump(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sequence stands."""

    name: str
    last_value: int
    is_called: bool


class DatabaseDump(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump is about. ``unreadable``: sealed secrets that the key of that day did not open."""

    server: str
    migrations: tuple[str, ...]
    tables: tuple[TableDump, ...]
    partitions: tuple[PartitionDump, ...] = ()
    sequences: tuple[SequenceDump, ...] = ()
    sealed: int = 0
    unreadable: int = 0

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def dump_database(dsn: str, vault: Vault, put: Callable[[str, bytes], None]) -> DatabaseDump:
    """Hand every table's text to ``put(table, piece)``, tables that others refer to first.

    Raises Unavailable, DumpError.
    """
    with reading(dsn) as connection:
        if not fetch_value(connection, sql(_SQL["has_migrations"])):
            raise DumpError("The database has no ccserver schema: there is nothing to back up.")
        columns = table_columns(connection)
        order = _referred_first(columns, connection.execute(sql(_SQL["references"])).fetchall())
        for table in order:
            # Nobody may change or drop what is about to be read.
            connection.execute(sql(_SQL["hold"]).format(table=Identifier(table)))
        sealed, unreadable = count_sealed(connection, vault)
        return DatabaseDump(
            server=str(connection.info.parameter_status("server_version")),
            migrations=applied_migrations(connection),
            partitions=tuple(
                PartitionDump(parent=parent, name=name, bound=bound)
                for parent, name, bound in connection.execute(sql(_SQL["partitions"]))
            ),
            sequences=_sequences(connection),
            tables=tuple(_dump_table(connection, table, columns[table], put) for table in order),
            sealed=sealed,
            unreadable=unreadable,
        )


@contextlib.contextmanager
def reading(dsn: str) -> Iterator[psycopg.Connection]:
    """One consistent view of the database. Raises Unavailable, and DumpError for what PostgreSQL refuses."""
    with connected(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            connection.execute(sql(_SQL["settings_of_text"]))
            yield connection


@contextlib.contextmanager
def connected(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection, closed at the end. Raises Unavailable, and DumpError for what PostgreSQL refuses."""
    try:
        connection = psycopg.connect(dsn, connect_timeout=10, application_name="ccserver-backup")
    except psycopg.OperationalError as error:
        raise Unavailable("database_away") from error
    try:
        yield connection
    except psycopg.Error as error:
        detail = str(error).strip().splitlines()
        raise DumpError(f"PostgreSQL says: {detail[0] if detail else type(error).__name__}") from error
    finally:
        connection.close()


def sql(text: str) -> SQL:
    """A statement of our own files, into which names are put as identifiers."""
    return SQL(text)


def fetch_value(connection: psycopg.Connection, query: SQL | Composed) -> object:
    """The first column of the first row."""
    row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def applied_migrations(connection: psycopg.Connection) -> tuple[str, ...]:
    """The migrations of the schema, in order; none where there is no schema of ours."""
    if not fetch_value(connection, sql(_SQL["has_migrations"])):
        return ()
    return tuple(row[0] for row in connection.execute(sql(_SQL["applied"])))


def table_columns(connection: psycopg.Connection) -> dict[str, tuple[str, ...]]:
    """Every table that holds data of its own, with the columns that can be written."""
    return {name: tuple(columns) for name, columns in connection.execute(sql(_SQL["tables"]))}


def count_sealed(connection: psycopg.Connection, vault: Vault) -> tuple[int, int]:
    """How many sealed secrets there are, and how many of them no key of ours opens."""
    total = unreadable = 0
    for table, column in connection.execute(sql(_SQL["sealed_columns"])).fetchall():
        query = sql(_SQL["sealed_values"]).format(table=Identifier(table), column=Identifier(column))
        with connection.cursor(name="sealed") as cursor:
            for (value,) in cursor.execute(query):
                total += 1
                try:
                    vault.open(bytes(value))
                except VaultError:
                    unreadable += 1
    return total, unreadable


def _dump_table(
    connection: psycopg.Connection, table: str, columns: tuple[str, ...], put: Callable[[str, bytes], None]
) -> TableDump:
    names = SQL(", ").join(Identifier(column) for column in columns)
    query = sql(_SQL["copy_out"]).format(columns=names, table=Identifier(table))
    piece = bytearray()
    with connection.cursor() as cursor:
        with cursor.copy(query) as copy:
            for data in copy:
                piece += data
                if len(piece) >= PIECE_BYTES:
                    put(table, bytes(piece))
                    piece.clear()
        if piece:
            put(table, bytes(piece))
        return TableDump(name=table, columns=columns, rows=cursor.rowcount)


def _sequences(connection: psycopg.Connection) -> tuple[SequenceDump, ...]:
    found = []
    for (name,) in connection.execute(sql(_SQL["sequences"])).fetchall():
        row = connection.execute(sql(_SQL["sequence_value"]).format(sequence=Identifier(name))).fetchone()
        if row is not None:
            found.append(SequenceDump(name=name, last_value=row[0], is_called=row[1]))
    return tuple(found)


def _referred_first(
    tables: Mapping[str, tuple[str, ...]], references: Iterable[tuple[str, ...]]
) -> tuple[str, ...]:
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(tables, ()))
    for referring, referred in references:
        if referring in tables and referred in tables:
            sorter.add(referring, referred)
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        raise DumpError(f"These tables refer to each other in a circle: {', '.join(error.args[1])}") from None
