"""The files of runs in the database, where every replica sees them: pieces of bytes by their position.

Appending only fills memory; what gathers there is written every half second. A piece is written at the end of
its file and nowhere else: one that stands there already is either the very same, whose commit was in doubt,
or another writer's, and then the file has grown.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakValueDictionary

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.model.errors import RetryLater
from bot.store.database import Database
from bot.store.schema import files

logger = logging.getLogger(__name__)

PIECE = 64 << 10
"""Most bytes in one row: a reader finds the row that holds an offset by looking back so far."""
AT_ONCE = 16
"""Pieces in one transaction."""
HELD = 4 << 20
"""Most bytes of one file that wait in memory while the database is away."""
EVERY = 0.5
"""Seconds between two times of writing."""
FAREWELL = 3.0
"""Seconds that closing may take to write what is left."""
_BEYOND = 1 << 60


@dataclass(slots=True, weakref_slot=True, eq=False)
class AppendedRows:
    """Implements bot.file_store.AppendFile: bytes on their way into the database."""

    run: int
    name: str
    grew: Callable[["AppendedRows"], None]
    end: int | None = None
    """Where the next piece goes; None until the database was asked."""
    waiting: bytearray = field(default_factory=bytearray)
    writing: bytes = b""
    """Beginning of what waits, whose commit was begun."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def size(self) -> int:
        """Bytes in it as far as is known here."""
        return (self.end or 0) + len(self.waiting)

    def append(self, data: bytes) -> bool:
        """Take bytes to be written soon; False when too many wait already."""
        if len(self.waiting) + len(data) > HELD:
            return False
        self.waiting += data
        self.grew(self)
        return True


class DatabaseFileStore:
    """Implements bot.file_store.FileStore; `serve` is what writes."""

    def __init__(
        self, database: Database, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._database = database
        self._sleep = sleep
        self._known: WeakValueDictionary[tuple[int, str], AppendedRows] = WeakValueDictionary()
        self._grown: dict[AppendedRows, None] = {}
        self._wake = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def opened(cls, database: Database) -> AsyncIterator["DatabaseFileStore"]:
        """Write until the block ends, and then what is left; closes the database."""
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
        """Write what was appended until cancelled."""
        while True:
            await self._wake.wait()
            await self._sleep(EVERY)
            self._wake.clear()
            try:
                await self.write_all()
            except RetryLater as error:
                logger.warning("logs wait for the store: %s", error)
                self._wake.set()

    async def write_all(self) -> None:
        """Write all that waits. Raises RetryLater(STORE_UNAVAILABLE)."""
        while self._grown:
            await self._write(next(iter(self._grown)))

    async def close(self) -> None:
        """Write what is left as long as that is possible, and close the database."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self.write_all()
        except (RetryLater, TimeoutError) as error:
            logger.warning("the end of %s logs is lost: %s", len(self._grown), error)
        await self._database.close()

    def open_append(self, run: int, name: str) -> AppendedRows:
        """Open a file for appending."""
        found = self._known.get((run, name))
        if found is None:
            found = AppendedRows(run, name, self._note)
            self._known[run, name] = found
        return found

    async def flush(self, run: int, name: str) -> None:
        """Return when all that was appended so far can be read by everybody."""
        found = self._known.get((run, name))
        while found is not None and found in self._grown:
            await self._write(found)

    async def read(self, run: int, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Return bytes of a file; nothing where there is none."""
        if offset > _BEYOND:
            return b""
        end = _BEYOND if limit is None else offset + limit
        return await self._database.read(lambda connection: _read(connection, run, name, offset, end))

    async def size(self, run: int, name: str) -> int:
        """Return the size of a file; 0 where there is none."""
        return await self._database.read(partial(_end, run=run, name=name))

    async def put(self, run: int, contents: Mapping[str, bytes]) -> None:
        """Keep whole files, all of them or none."""

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

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        """Return the names of the files of the next runs after this one that have any."""
        return await self._database.read(lambda connection: _held(connection, after, limit))

    def _note(self, grown: AppendedRows) -> None:
        self._grown[grown] = None
        self._wake.set()

    async def _write(self, grown: AppendedRows) -> None:
        """Write the beginning of what waits for one file."""
        async with grown.lock:
            try:
                await self._append(grown)
            except RetryLater:
                raise
            except Exception:
                logger.exception(
                    "%s bytes of %s of run %s are lost", len(grown.waiting), grown.name, grown.run
                )
                grown.waiting.clear()
                grown.writing = b""
            if not grown.waiting:
                self._grown.pop(grown, None)

    async def _append(self, grown: AppendedRows) -> None:
        grown.writing = grown.writing or bytes(grown.waiting[: AT_ONCE * PIECE])
        while grown.writing:
            if grown.end is None:
                grown.end = await self._database.read(partial(_end, run=grown.run, name=grown.name))
            rows = _rows(grown.run, grown.name, grown.end, grown.writing)
            if not await self._database.run(partial(_insert, rows=rows)):
                grown.end = None
                continue
            grown.end += len(grown.writing)
            del grown.waiting[: len(grown.writing)]
            grown.writing = b""


def _rows(run: int, name: str, position: int, data: bytes) -> list[dict[str, object]]:
    return [
        {"run": run, "name": name, "position": position + start, "data": data[start : start + PIECE]}
        for start in range(0, len(data), PIECE)
    ]


def _insert(connection: Connection, rows: Sequence[Mapping[str, object]]) -> bool:
    """Write pieces at the end of a file; False if it has grown meanwhile."""
    first, *rest = rows
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(files).values(**first).on_conflict_do_nothing().returning(files.c.position)
    if connection.execute(statement).first() is None:
        place = (files.c[name] == first[name] for name in ("run", "name", "position"))
        # What an earlier attempt has written, of whose commit nobody heard, is all there.
        return connection.execute(select(files.c.data).where(*place)).scalar() == first["data"]
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
        .where(files.c.position > begin - PIECE, files.c.position < end)
        .order_by(files.c.position)
    )
    found = [
        (position, data) for position, data in connection.execute(statement) if position + len(data) > begin
    ]
    if not found:
        return b""
    first = found[0][0]
    return b"".join(data for _, data in found)[max(begin - first, 0) : end - first]


def _held(connection: Connection, after: int, limit: int) -> dict[int, tuple[str, ...]]:
    """Hop from run to run over the index: how long their logs are makes no difference."""
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
    first_pieces = select(files.c.name).where(files.c.run == run, files.c.position == 0)
    return tuple(connection.execute(first_pieces.order_by(files.c.name)).scalars())


def _remove(connection: Connection, run: int, names: Collection[str]) -> None:
    connection.execute(delete(files).where(files.c.run == run, files.c.name.in_(names)))
