"""Where the files of runs are kept, as those see it who write and read them; two adapters implement it."""

from collections.abc import Collection, Mapping
from typing import Protocol


class AppendFile(Protocol):
    """A file of a run to which is only appended. Nothing that it is given makes it wait or raise."""

    @property
    def size(self) -> int:
        """Bytes in it as far as is known here, those on their way included."""
        ...

    def append(self, data: bytes) -> bool:
        """Append these bytes; False where that is not possible now, and they are lost."""
        ...


class FileStore(Protocol):
    """The files of runs, by run and name: on this machine's disk, or where every replica sees them.

    What waits raises RetryLater(STORE_UNAVAILABLE) while the place is away.
    """

    def open_append(self, run: int, name: str) -> AppendFile:
        """Open a file for appending after what is there; raises ValueError for what is no file's name."""
        ...

    async def flush(self, run: int, name: str) -> None:
        """Return when all that was appended so far can be read by everybody."""
        ...

    async def read(self, run: int, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Return bytes of a file, which may still grow; nothing where there is none."""
        ...

    async def size(self, run: int, name: str) -> int:
        """Return the bytes that `read` finds in a file; 0 where there is none."""
        ...

    async def put(self, run: int, files: Mapping[str, bytes]) -> None:
        """Keep whole files in the place of those with their names."""
        ...

    async def names(self, run: int) -> tuple[str, ...]:
        """Return the names of a run's files."""
        ...

    async def remove(self, run: int, names: Collection[str]) -> None:
        """Remove files of a run; nothing there is fine."""
        ...

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        """Return the names of the files of the next runs after this one that have any."""
        ...
