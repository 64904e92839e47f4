"""What a replica commits for others wakes them at once: by NOTIFY in the same transaction, and LISTEN.

https://www.postgresql.org/docs/current/sql-notify.html
"""

from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url

from bot.model.errors import RetryLater
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.store.dialects import is_postgresql
from bot.store.session import Session

CHANNEL = "chatops"
WAIT_SECONDS = 1.5
"""Seconds after which the session is used anyway, which shows whether it still exists. It is shorter than the
time in which a session must answer."""


def notify(connection: Connection, queue: Queue) -> None:
    """Wake all replicas that claim from a queue when the transaction is committed. SQLite has only one."""
    if is_postgresql(connection):
        connection.execute(select(func.pg_notify(CHANNEL, str(queue))))


class Notifications:
    """A session that listens. It is not that of the lease, which nothing must hold up.

    It cannot pass through a pooler in transaction mode either, so it has the same URL.
    """

    def __init__(self, lock_url: str) -> None:
        self._session = Session(make_url(lock_url), "chatops notifications")
        self._listening: Any = None

    async def changed(self) -> frozenset[Queue]:
        """Return the queues that have changed, as soon as one has, or none of them after `WAIT_SECONDS`.

        Returns all when a session has begun, for what happened before. Raises RetryLater(STORE_UNAVAILABLE)
        when the session was lost; the next call begins another one.
        """
        return await self._session.run(self._wait)

    def _wait(self, connection: Connection) -> frozenset[Queue]:
        driver: Any = connection.connection.dbapi_connection
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        if driver is not self._listening:
            self._listening = driver
            return frozenset(Queue)
        try:
            payloads = {one.payload for one in driver.notifies(timeout=WAIT_SECONDS, stop_after=1)}
        except connection.dialect.loaded_dbapi.Error as error:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": str(error)}) from error
        return frozenset(queue for queue in Queue if queue in payloads)

    def close(self) -> None:
        """End the session."""
        self._session.close()
