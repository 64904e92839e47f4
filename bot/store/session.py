"""A session on PostgreSQL with a connection and a thread of its own: that of a lease, or one that listens.

By the first, PostgreSQL knows that a replica lives. It ends a session, and with it the locks that it holds,
when nothing has come from the replica for `SESSION_SECONDS`. A frozen process cannot prevent that, although
its kernel would go on to answer keepalives.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.store import postgresql
from bot.store.database import errors

T = TypeVar("T")

SESSION_SECONDS = 10
"""Seconds without a statement after which the server ends the session."""
ANSWER_SECONDS = 3.0
"""Seconds within which the server must answer a statement; it is cheap."""
LIMITS = {
    "idle_session_timeout": f"{SESSION_SECONDS}s",
    "lock_timeout": "1s",
    "statement_timeout": f"{ANSWER_SECONDS:.0f}s",
}


class Session:
    """One connection, opened again by the next statement after it was lost."""

    def __init__(self, url: URL, name: str) -> None:
        self._engine = postgresql.connecting(
            url, lambda: name, own=LIMITS, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="session")
        self._connection: Connection | None = None
        self._driver: Any = None
        """The same connection; SQLAlchemy's may connect again when another thread asks it for this one."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, each of whose statements is a transaction.

        Raises RetryLater(STORE_UNAVAILABLE) after an error, or without an answer in time. The connection is
        lost then, and with it the session's locks.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)
        except TimeoutError as error:
            self._cut()
            facts = {"message": f"no answer within {ANSWER_SECONDS:.0f} s"}
            raise RetryLater(Reason.STORE_UNAVAILABLE, facts) from error

    def close(self) -> None:
        """End the session without waiting: the server may have gone mute."""
        self._cut()
        self._thread.submit(self._forget)
        self._thread.shutdown(wait=False)

    def _work(self, work: Callable[[Connection], T]) -> T:
        try:
            with errors():
                if self._connection is None:
                    self._connection = self._engine.connect()
                    self._driver = self._connection.connection.dbapi_connection
                return work(self._connection)
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(DBAPIError):
                connection.invalidate()
            connection.close()

    def _cut(self) -> None:
        """Close the socket for both sides, so that a thread that waits for an answer goes on."""
        postgresql.cut(self._driver)
