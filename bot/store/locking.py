"""Locks that replicas share for one transaction. SQLite needs none: it has one writer at a time."""

from enum import IntEnum

from sqlalchemy import Connection, text

NAMESPACE = 0x6368_6174
"""Keeps these locks apart from the advisory locks of other programs in the same database."""


class Lock(IntEnum):
    """What only one replica does at a time."""

    SCHEMA = 1
    INBOX = 2
    QUEUE = 3


def hold(connection: Connection, lock: Lock) -> None:
    """Wait for a lock and hold it until the transaction ends.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    if connection.dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:namespace, :lock)")
        connection.execute(statement, {"namespace": NAMESPACE, "lock": int(lock)})
