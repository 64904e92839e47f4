"""The port through which the files of runs are written and read; two adapters implement it."""

from collections.abc import Collection, Mapping
from typing import Protocol

from bot.model.lease import Lease


class AppendFile(Protocol):
    """A file of a run that only grows. Appending never waits and never raises."""

    @property
    def size(self) -> int:
        """Size in bytes as far as this process knows, unwritten bytes included."""
        ...

    def append(self, data: bytes) -> bool:
        """Append these bytes. Returns False if that is impossible now; then they are lost."""
        ...


class FileStore(Protocol):
    """The files of runs, by run and name: on this machine's disk, or in the database for all replicas.

    Every coroutine raises RetryLater(STORE_UNAVAILABLE) while the disk or the database is unavailable.
    """

    def open_append(self, run: int, name: str) -> AppendFile:
        """Open a file to append to it. Raises ValueError if the name is not valid for a file."""
        ...

    async def flush(self, run: int, name: str) -> None:
        """Write what was appended so far, so that every replica can read it."""
        ...

    async def read(self, run: int, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Return bytes of a file, which may still grow; empty if there is no file."""
        ...

    async def size(self, run: int, name: str) -> int:
        """Return the bytes that `read` finds in a file; 0 where there is none."""
        ...

    async def put(self, run: int, files: Mapping[str, bytes]) -> None:
        """Store whole files, in place of files with the same names."""
        ...

    async def names(self, run: int) -> tuple[str, ...]:
        """Return the names of a run's files."""
        ...

    async def remove(self, run: int, names: Collection[str]) -> None:
        """Remove files of a run; missing files are ignored."""
        ...

    async def clear(self, run: int, lease: Lease) -> None:
        """Remove all files of a run, unless another replica holds the run by now."""
        ...

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        """Return the names of files by run, for the next `limit` runs with files after this one."""
        ...
