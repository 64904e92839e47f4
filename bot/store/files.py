"""The files of runs in the database, where every replica can read them: chunks of bytes by position.

Appending fills a buffer, which is written every half second. A chunk is always written at the end of its
file. If there is already a chunk at this position, it is either the same one, from a commit whose result was
lost, or comes from another writer, and then the file has grown.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakValueDictionary

from sqlalchemy import Connection, delete, func, insert, select

from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.store import dialects
from bot.store.database import Database
from bot.store.replicas import held_by
from bot.store.schema import files, runs

logger = logging.getLogger(__name__)

CHUNK = 64 << 10
"""Most bytes in one row. A reader looks back so far for the row that contains an offset."""
CHUNKS_PER_WRITE = 16
"""Chunks in one transaction."""
BUFFER_LIMIT = 4 << 20
"""Most bytes of one file that are buffered while the database is unavailable."""
WRITE_INTERVAL = 0.5
"""Seconds between two writes."""
CLOSE_SECONDS = 3.0
"""Seconds in which closing writes the rest."""
_BEYOND = 1 << 60


@dataclass(slots=True, weakref_slot=True, eq=False)
class AppendedRows:
    """Implements `bot.file_store.AppendFile`: a buffer of bytes on their way into the database."""

    run: int
    name: str
    on_append: Callable[["AppendedRows"], None]
    end: int | None = None
    """Position of the next chunk; None until it is read from the database."""
    buffer: bytearray = field(default_factory=bytearray)
    writing: bytes = b""
    """The part of the buffer whose commit has begun."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def size(self) -> int:
        """Size in bytes as far as this process knows."""
        return (self.end or 0) + len(self.buffer)

    def append(self, data: bytes) -> bool:
        """Buffer bytes to be written soon. Returns False if the buffer is full."""
        if len(self.buffer) + len(data) > BUFFER_LIMIT:
            return False
        self.buffer += data
        self.on_append(self)
        return True


class DatabaseFileStore:
    """Implements `bot.file_store.FileStore`; `serve` writes what is appended."""

    def __init__(
        self, database: Database, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._database = database
        self._sleep = sleep
        self._known: WeakValueDictionary[tuple[int, str], AppendedRows] = WeakValueDictionary()
        self._unwritten: dict[AppendedRows, None] = {}
        self._wake = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: Database) -> AsyncIterator["DatabaseFileStore"]:
        """Write until the block ends, then write the rest and close the database."""
        store = cls(database)
        writer = asyncio.create_task(store.serve(), name="files")
        try:
            yield store
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            await store.close()

    async def serve(self) -> None:
        """Write the buffers every half second until cancelled."""
        while True:
            await self._wake.wait()
            await self._sleep(WRITE_INTERVAL)
            self._wake.clear()
            try:
                await self.write_all()
            except RetryLater as error:
                logger.warning("logs stay in memory until the database is available again: %s", error)
                self._wake.set()

    async def write_all(self) -> None:
        """Write all buffers. Raises RetryLater(STORE_UNAVAILABLE)."""
        while self._unwritten:
            await self._write(next(iter(self._unwritten)))

    async def close(self) -> None:
        """Write the rest, if that succeeds in time, and close the database."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.write_all()
        except (RetryLater, TimeoutError) as error:
            logger.warning("the last lines of %s logs are lost: %s", len(self._unwritten), error)
        await self._database.close()

    def open_append(self, run: int, name: str) -> AppendedRows:
        """Open a file to append to it."""
        found = self._known.get((run, name))
        if found is None:
            found = AppendedRows(run, name, self._mark_unwritten)
            self._known[run, name] = found
        return found

    async def flush(self, run: int, name: str) -> None:
        """Write what was appended so far, so that every replica can read it."""
        found = self._known.get((run, name))
        while found is not None and found in self._unwritten:
            await self._write(found)

    async def read(self, run: int, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Return bytes of a file; empty if there is no file."""
        if offset > _BEYOND:
            return b""
        end = _BEYOND if limit is None else offset + limit
        return await self._database.read(lambda connection: _read(connection, run, name, offset, end))

    async def size(self, run: int, name: str) -> int:
        """Return the size of a file; 0 where there is none."""
        return await self._database.read(partial(_end, run=run, name=name))

    async def put(self, run: int, contents: Mapping[str, bytes]) -> None:
        """Store whole files, in one transaction."""

        def work(connection: Connection) -> None:
            _remove(connection, run, contents)
            for name, data in contents.items():
                if rows := _rows(run, name, 0, data):
                    connection.execute(insert(files), rows)

        await self._database.run(work)

    async def names(self, run: int) -> tuple[str, ...]:
        """Return the names of a run's files."""
        return await self._database.read(lambda connection: _names(connection, run))

    async def remove(self, run: int, names: Collection[str]) -> None:
        """Remove files of a run."""
        if names:
            await self._database.run(lambda connection: _remove(connection, run, names))

    async def clear(self, run: int, lease: Lease) -> None:
        """Remove all files of a run, unless another replica holds the run by now.

        One statement asks and removes: a replica that hangs before it removes nothing of its successor.
        """
        held = select(runs.c.id).where(runs.c.id == run, held_by(runs.c.holder, lease)).exists()
        statement = delete(files).where(files.c.run == run, held)
        await self._database.run(lambda connection: connection.execute(statement))

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        """Return the names of files by run, for the next `limit` runs with files after this one."""
        return await self._database.read(lambda connection: _runs_with_files(connection, after, limit))

    def _mark_unwritten(self, file: AppendedRows) -> None:
        self._unwritten[file] = None
        self._wake.set()

    async def _write(self, file: AppendedRows) -> None:
        """Write the first chunks of a file's buffer."""
        async with file.lock:
            try:
                await self._append(file)
            except RetryLater:
                raise
            except Exception:
                logger.exception(
                    "run %s: the last %s bytes of %s are lost", file.run, len(file.buffer), file.name
                )
                file.buffer.clear()
                file.writing = b""
            if not file.buffer:
                self._unwritten.pop(file, None)

    async def _append(self, file: AppendedRows) -> None:
        file.writing = file.writing or bytes(file.buffer[: CHUNKS_PER_WRITE * CHUNK])
        while file.writing:
            if file.end is None:
                file.end = await self._database.read(partial(_end, run=file.run, name=file.name))
            rows = _rows(file.run, file.name, file.end, file.writing)
            if not await self._database.run(partial(_insert, rows=rows)):
                file.end = None
                continue
            file.end += len(file.writing)
            del file.buffer[: len(file.writing)]
            file.writing = b""


def _rows(run: int, name: str, position: int, data: bytes) -> list[dict[str, object]]:
    return [
        {"run": run, "name": name, "position": position + start, "data": data[start : start + CHUNK]}
        for start in range(0, len(data), CHUNK)
    ]


def _insert(connection: Connection, rows: Sequence[Mapping[str, object]]) -> bool:
    """Insert chunks at the end of a file. Returns False if another writer has appended to it."""
    first, *rest = rows
    statement = dialects.insert(connection, files).values(**first).on_conflict_do_nothing()
    if connection.execute(statement.returning(files.c.position)).first() is None:
        position = (files.c[name] == first[name] for name in ("run", "name", "position"))
        # If an earlier attempt has committed this chunk, it has committed all of them.
        return connection.execute(select(files.c.data).where(*position)).scalar() == first["data"]
    if rest:
        connection.execute(insert(files), rest)
    return True


def _end(connection: Connection, run: int, name: str) -> int:
    statement = (
        select(files.c.position + func.length(files.c.data))
        .where(files.c.run == run, files.c.name == name)
        .order_by(files.c.position.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar() or 0


def _read(connection: Connection, run: int, name: str, begin: int, end: int) -> bytes:
    statement = (
        select(files.c.position, files.c.data)
        .where(files.c.run == run, files.c.name == name)
        .where(files.c.position > begin - CHUNK, files.c.position < end)
        .order_by(files.c.position)
    )
    found = [
        (position, data) for position, data in connection.execute(statement) if position + len(data) > begin
    ]
    if not found:
        return b""
    first = found[0][0]
    return b"".join(data for _, data in found)[max(begin - first, 0) : end - first]


def _runs_with_files(connection: Connection, after: int, limit: int) -> dict[int, tuple[str, ...]]:
    """Go from run to run over the index, which takes no longer when logs are long."""
    found: dict[int, tuple[str, ...]] = {}
    run = after
    while len(found) < limit:
        next_run = connection.execute(select(func.min(files.c.run)).where(files.c.run > run)).scalar()
        if next_run is None:
            break
        run = next_run
        found[run] = _names(connection, run)
    return found


def _names(connection: Connection, run: int) -> tuple[str, ...]:
    first_chunks = select(files.c.name).where(files.c.run == run, files.c.position == 0)
    return tuple(connection.execute(first_chunks.order_by(files.c.name)).scalars())


def _remove(connection: Connection, run: int, names: Collection[str]) -> None:
    connection.execute(delete(files).where(files.c.run == run, files.c.name.in_(names)))
