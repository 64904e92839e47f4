"""The replicas on one PostgreSQL: its sessions and its clock decide which of them live.

Each replica has a row, and its session holds a lock on the number of the row. One statement renews both.
Another replica evicts it when nobody holds the lock, and the row was not renewed for `SILENT_SECONDS`:

- The lock ends with the session, at the latest `SESSION_SECONDS` after its last statement. As long as it is
  held, no change of the server's clock evicts a replica that lives.
- The row gives a replica whose session ended earlier the time to take its lock again and keep its work, or to
  stop its work. A server that took over from another one may have an older row, and another clock; therefore
  a replica also evicts nobody as long as its own session is that young.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, TextClause, text
from sqlalchemy.engine import URL, make_url

from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Members
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.store.database import Database
from bot.store.dialects import MEMBERS
from bot.store.notifications import CHANNEL
from bot.store.session import SESSION_SECONDS, Session

SILENT_SECONDS = 8.5
"""Longer than a replica works without a renewal; see `FENCE_AFTER` in `bot/engine/replicas/membership.py`."""

NOT_DIRECT = (
    "[store] lock_url must lead to the database of url, with the same account, and to PostgreSQL itself, not"
    " through a connection pooler: it has to end this replica's sessions when the replica falls silent"
)

_SILENT = """(
      NOT renewed_at BETWEEN clock_timestamp() - make_interval(secs => :silent) AND clock_timestamp()
      AND make_interval(secs => :silent) <= clock_timestamp() - (
        SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()))"""
_HOLDERS = """
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = CAST(:members AS oid)
      AND objid = CAST(sequence AS oid)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
_NOTIFY = ", ".join(f"pg_notify('{CHANNEL}', '{queue}')" for queue in Queue)
"""Others can claim at once what a replica held that has left or was evicted."""
_JOIN = text(
    "WITH mine AS (INSERT INTO replicas (name) VALUES (:name) RETURNING sequence)"
    " SELECT pg_try_advisory_lock(:members, sequence) AS locked, current_user AS account,"
    " current_setting('idle_session_timeout') AS ends_after FROM mine"
)
_ACCOUNT = text("SELECT current_user FROM replicas WHERE name = :name")
_RENEW = text(
    f"""WITH mine AS (UPDATE replicas SET renewed_at = clock_timestamp() WHERE name = :name RETURNING name)
    SELECT name, name IN (SELECT name FROM mine) AS mine,
      EXISTS ({_HOLDERS} AND pid = pg_backend_pid()) AS holds,
      {_SILENT} AND NOT EXISTS ({_HOLDERS}) AS silent
    FROM replicas ORDER BY sequence"""  # noqa: S608 - constants
)
_LOCK = text("SELECT pg_try_advisory_lock(:members, sequence) FROM replicas WHERE name = :name")
_END_HOLDER = text(
    f"""SELECT pg_terminate_backend(pid, 1000) FROM replicas, LATERAL ({_HOLDERS}) AS holders
    WHERE name = :name AND pid <> pg_backend_pid()"""  # noqa: S608 - constants
)
_EVICT = text(
    f"""WITH gone AS (
      DELETE FROM replicas
      WHERE name = :name AND (:dead OR {_SILENT}) AND pg_try_advisory_xact_lock(:members, sequence)
      RETURNING name)
    SELECT name, (
      SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity
      WHERE application_name = gone.name AND datname = current_database() AND usename = current_user),
      {_NOTIFY}
    FROM gone"""  # noqa: S608 - constants
)
_LEAVE = text(
    f"WITH gone AS (DELETE FROM replicas WHERE name = :name RETURNING name) SELECT {_NOTIFY} FROM gone"  # noqa: S608
)


class SessionReplicas:
    """Members by name, each with a session on PostgreSQL."""

    def __init__(
        self,
        database: Database,
        lock_url: str,
        others: Sequence[Database] = (),
        *,
        session: Callable[[URL, str], Session] = Session,
    ) -> None:
        self._databases = (database, *others)
        """They get new connections together, for they go mute together."""
        self._url = make_url(lock_url)
        self._begin_session = session
        self._session: Session | None = None

    async def join(self, name: str, before: str = "") -> Lease:
        """Begin a session, add a replica with a unique name, and release what `before` held if it is dead.

        Raises RuntimeError if `lock_url` does not lead to a session of the same database and account.
        """
        await self.close()
        await self._begin_again(name)
        self._session = self._begin_session(self._url, name)
        (joined,) = await self._rows(_JOIN, name)
        account = await self._databases[0].read(
            lambda connection: connection.execute(_ACCOUNT, {"name": name}).scalar()
        )
        if (joined.locked, joined.ends_after, joined.account) != (True, f"{SESSION_SECONDS}s", account):
            raise RuntimeError(NOT_DIRECT)
        await self._rows(_EVICT, before, dead=True)
        return Lease(name)

    async def renew(self, lease: Lease) -> Members:
        """Renew the lease and return all members. Raises LeaseLost if this replica was evicted."""
        rows = await self._rows(_RENEW, lease.replica)
        mine = [row for row in rows if row.mine]
        if not mine:
            raise LeaseLost
        if not mine[0].holds:
            # What made the session mute may have done the same to all connections.
            await self._begin_again(lease.replica)
            await self._current.run(lambda connection: _lock_again(connection, lease.replica))
        silent = (row.name for row in rows if row.silent and not row.mine)
        return Members(tuple(row.name for row in rows), frozenset(silent))

    async def evict(self, name: str) -> bool:
        """Delete a replica that is silent, and end its sessions first. Returns False if it is not silent."""
        return bool(await self._rows(_EVICT, name, dead=False))

    async def leave(self, lease: Lease) -> None:
        """Delete this replica, so that others can take over at once what it still holds."""
        await self._rows(_LEAVE, lease.replica)

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    async def _begin_again(self, name: str) -> None:
        for database in self._databases:
            await database.begin_again(name)

    @property
    def _current(self) -> Session:
        if self._session is None:
            raise LeaseLost
        return self._session

    async def _rows(self, statement: TextClause, name: str, **values: object) -> Sequence[Row[Any]]:
        return await self._current.run(lambda connection: _execute(connection, statement, name, **values))


def _lock_again(connection: Connection, name: str) -> None:
    """Take the lock of a member whose session was lost; end that session if it still has it."""
    _execute(connection, _END_HOLDER, name)
    if not any(row[0] for row in _execute(connection, _LOCK, name)):
        raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": "the lock of the lease is not free yet"})


def _execute(
    connection: Connection, statement: TextClause, name: str, **values: object
) -> Sequence[Row[Any]]:
    parameters = {"name": name, "members": MEMBERS, "silent": SILENT_SECONDS, **values}
    known = {key: parameters[key] for key in statement.compile().params}
    result = connection.execute(statement, known)
    return result.all() if result.returns_rows else ()
