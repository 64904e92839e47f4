"""One SQLAlchemy engine and the thread that talks to it, so that the event loop never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.engine import make_url

from bot.store import schema

T = TypeVar("T")

READ_ONLY = {"chatops_reads": True}


class Database:
    """Runs transactions on worker threads. SQLite has one writer, hence one thread for `run`."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        threads = 1 if self.engine.dialect.name == "sqlite" else 8
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="store-read")

    async def migrate(self) -> None:
        """Create what is missing; raise RuntimeError if the file was written by a newer version."""
        await self.run(_migrate)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Carry out `work` in one transaction and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._transact, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Carry out `work`, which changes nothing, without waiting for writers."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    def _look(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect().execution_options(**READ_ONLY) as connection:
            return work(connection)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await asyncio.to_thread(self._readers.shutdown)
        await asyncio.to_thread(self._pool.shutdown)
        self.engine.dispose()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL with FULL survives a power cut with one fsync per commit: https://www.sqlite.org/pragma.html
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A read that later writes would otherwise fail with “database is locked” at the upgrade.
    reads = connection.get_execution_options().items() >= READ_ONLY.items()
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    schema.metadata.create_all(connection)
    found = connection.execute(select(schema.schema_version.c.version)).scalar()
    if found is None:
        connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
    elif found > schema.VERSION:
        raise RuntimeError(
            f"the store has schema version {found}, this bot knows up to {schema.VERSION}: run a newer bot"
        )
