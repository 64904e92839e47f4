"""Connections to PostgreSQL, with limits on both sides: nobody waits for a bot that has frozen or vanished.

The server ends a transaction that is idle, a statement that waits or runs too long, and a session whose
client does not answer; the client notices a server that has vanished. What a `[store] url` says wins.
"""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

OLDEST = 14
"""The oldest supported version: the first one that ends idle sessions."""
CLIENT = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "target_session_attrs": "read-write",
}
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""
SERVER = {
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
"""https://www.postgresql.org/docs/current/runtime-config-client.html"""
UNAVAILABLE = ("08", "25006", "25P03", "25P04", "40", "53", "55", "57", "58", "XX")
"""Beginnings of SQLSTATEs: no connection, read-only, a transaction that was ended for its age, rolled back,
no resources, locked, ended by another limit or an operator, and failures of the server itself.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


def unavailable(error: DBAPIError | PoolTimeout) -> bool:
    """Whether the database is unavailable. Any other error is a bug of the bot."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(state, str) and state.startswith(UNAVAILABLE)


def connecting(
    url: URL, name: Callable[[], str], *, own: Mapping[str, str] | None = None, **options: Any
) -> Engine:
    """Return an engine. `name` gives the name of each new session; `own` are limits that always win."""
    driver = url if url.drivername != "postgresql" else url.set(drivername="postgresql+psycopg")
    given = url.normalized_query.get("options", ())
    limits = (*_settings(SERVER), *given, *_settings(own or {}))
    client = {key: value for key, value in CLIENT.items() if key not in url.query}
    engine = create_engine(
        driver.difference_update_query(["options"]),
        # A pooler may execute a prepared statement on another session than that which knows it.
        connect_args={**client, "options": " ".join(limits), "prepare_threshold": None},
        **options,
    )

    def put_name(_dialect: object, _record: object, _args: object, parameters: dict[str, Any]) -> None:
        parameters["application_name"] = name()

    event.listen(engine, "do_connect", put_name)
    return engine


def pooled(url: URL, threads: int, name: Callable[[], str]) -> Engine:
    """Return an engine with a pool of `threads` connections."""
    return connecting(url, name, pool_pre_ping=True, pool_size=threads, max_overflow=0, pool_timeout=10)


def cut(connection: Any) -> None:
    """Close the socket of a connection for both sides, whatever its thread waits for."""
    with suppress(Exception):  # It may be closed already, in as many ways as there are layers.
        duplicate = os.dup(connection.fileno())
        with socket.socket(fileno=duplicate) as end:
            end.shutdown(socket.SHUT_RDWR)


def _settings(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"-c {name}={value}" for name, value in values.items())
