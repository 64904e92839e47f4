"""The SQLAlchemy engine and its worker threads, so that the event loop never waits for a disk."""

import asyncio
import fcntl
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.store import file_modes, postgresql
from bot.store.migrate import check, migrate

T = TypeVar("T")

BUSY_SECONDS = 10.0
"""Seconds that a transaction waits for another process that has locked the SQLite file."""
READ_ONLY = {"chatops_reads": True}
THREADS = 8
"""Concurrent transactions on PostgreSQL; SQLite has one writer."""


class Database:
    """Runs transactions on worker threads.

    A `visiting` process does not lock the SQLite file, because a running bot may have it open.

    Every method raises RetryLater(STORE_UNAVAILABLE) while the database is unavailable, locked or full.
    """

    def __init__(self, url: str, *, threads: int = THREADS, visiting: bool = False) -> None:
        parsed = make_url(url)
        self.single_process = single_process(url)
        """Whether only one process at a time can use this database."""
        self._lock = _lock(parsed) if self.single_process and not visiting else None
        self._name = "chatops"
        self._connections = weakref.WeakSet[Any]()
        self._opening = threading.Lock()
        """Held while `_connections` changes or is read."""
        self.engine = _sqlite(parsed) if self.single_process else self._pooled(parsed, threads)
        self._autocommit = self.engine
        if not self.single_process:
            self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._pool = ThreadPoolExecutor(1 if self.single_process else threads, thread_name_prefix="store")
        self._readers = self._pool
        if self.single_process:
            self._readers = ThreadPoolExecutor(2, thread_name_prefix="store-read")

    def _pooled(self, url: URL, threads: int) -> Engine:
        engine = postgresql.pooled(url, threads, lambda: self._name)
        event.listen(engine, "connect", self._opened)
        return engine

    def _opened(self, connection: Any, _record: object) -> None:
        with self._opening:
            self._connections.add(connection)

    async def begin_again(self, name: str) -> None:
        """Replace all connections by new ones whose sessions have this name; transactions under way fail.

        The old ones may have gone mute, and what waits for them would wait for ever.
        """

        def work() -> None:
            with self._opening:
                opened = list(self._connections)
            for connection in opened:
                postgresql.cut(connection)
            self.engine.dispose()

        self._name = name
        await asyncio.to_thread(work)

    async def migrate(self) -> None:
        """Migrate the schema. Raises RuntimeError for tables of a newer bot, or an old server."""
        await self.run(migrate)

    async def check(self) -> None:
        """Raise RuntimeError unless the database exists and has the schema of this version."""
        if self.single_process and not _exists(self.engine.url):
            raise RuntimeError(f"there is no store at {self.engine.url.database} yet: start the bot first")
        await self.read(check)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._transact, work)

    async def autocommit(self, work: Callable[[Connection], T]) -> T:
        """Run `work` with transactions that end on the server, even if this process freezes.

        On PostgreSQL, each of its statements is a transaction; on SQLite, which has one process, all are one.
        """
        if self.single_process:
            return await self.run(work)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._statements, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which changes nothing, without waiting for writers; see `autocommit`."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._statements, work)

    async def ping(self) -> str | None:
        """Return None when the database answers, else what is wrong."""
        try:
            await self.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
        except RetryLater as error:
            return error.facts["message"]
        return None

    def _statements(self, work: Callable[[Connection], T]) -> T:
        with errors(), self._connected(self._autocommit) as connection:
            return work(connection.execution_options(**READ_ONLY))

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with errors(), self._connected(self.engine) as connection, connection.begin():
            return work(connection)

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        """Use a connection; close it if all were replaced meanwhile: its pool is not used any more."""
        pool = engine.pool
        with engine.connect() as connection:
            try:
                yield connection
            finally:
                if engine.pool is not pool:
                    connection.invalidate()

    async def close(self) -> None:
        """Finish pending transactions and close the database."""
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self._pool.shutdown)
        self.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)


def single_process(url: str) -> bool:
    """Whether only one process at a time can use the database at this URL."""
    return make_url(url).get_backend_name() == "sqlite"


@contextmanager
def errors() -> Iterator[None]:
    """Raise RetryLater(STORE_UNAVAILABLE) instead of the errors of an unavailable database."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        if not postgresql.unavailable(error):
            raise
        raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": _message(error)}) from error


def _message(error: DBAPIError | PoolTimeout) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else "no answer"


def _exists(url: URL) -> bool:
    return url.database is not None and Path(url.database).exists()


def _lock(url: URL) -> int | None:
    """Lock a SQLite file for this process, by a kernel lock on a file beside it, until the process ends.

    Raises RuntimeError if another process has the lock.
    """
    if not url.database:
        return None
    file = Path(url.database)
    file.parent.mkdir(mode=file_modes.FOLDER, parents=True, exist_ok=True)
    descriptor = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, file_modes.FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise RuntimeError(
            f"another chatops has {file} open; for several, use [store] url = postgresql://…"
        ) from error
    file.touch(file_modes.FILE)  # SQLite gives its other files the mode of this one
    for suffix in ("", "-wal", "-shm"):
        file_modes.restrict(file.with_name(f"{file.name}{suffix}"), file_modes.FILE)
    return descriptor


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL with FULL survives a power cut with one fsync per commit: https://www.sqlite.org/pragma.html
    connection.isolation_level = None
    busy = f"busy_timeout={int(BUSY_SECONDS * 1000)}"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", busy, "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that reads before it writes would otherwise fail with “database is locked”.
    reads = connection.get_execution_options().items() >= READ_ONLY.items()
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
