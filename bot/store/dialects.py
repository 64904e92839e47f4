"""What differs between PostgreSQL and SQLite: the lock of migrations, and inserts that may conflict."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

NAMESPACE, SCHEMA = 0x6368_6174, 1
"""The advisory lock of migrations, apart from those of other programs in the same database."""
MEMBERS = 0x6368_6D62
"""The same for the locks of the replicas, whose numbers follow it."""


def hold_schema(connection: Connection) -> None:
    """Wait until nobody else migrates, until the transaction ends. SQLite has one writer at a time anyway.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    if is_postgresql(connection):
        statement = text("SELECT pg_advisory_xact_lock(:namespace, :lock)")
        connection.execute(statement, {"namespace": NAMESPACE, "lock": SCHEMA})


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can have an ON CONFLICT clause."""
    return postgresql.insert(table) if is_postgresql(connection) else sqlite.insert(table)


def upsert(
    connection: Connection, table: Table, key: Mapping[str, object], rest: Mapping[str, object]
) -> None:
    """Insert a row, or update the row with this key."""
    statement = insert(connection, table).values(**key, **rest)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=dict(rest)))


def aware(moment: datetime) -> datetime:
    """Return a stored time with its zone, UTC, which SQLite does not store."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def is_postgresql(connection: Connection) -> bool:
    """Whether this is PostgreSQL, otherwise SQLite."""
    return connection.dialect.name == "postgresql"
