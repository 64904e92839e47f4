"""The files of runs on this machine's disk, for a bot without replicas."""

import asyncio
import logging
import os
import re
import weakref
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.reason import Reason

logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class LocalAppendFile:
    """Implements bot.file_store.AppendFile with a file descriptor.

    It stays open for the life of this object: opening the file for every piece of output would take longer
    than writing it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None
        self._size = _size(file)
        self._error_logged = False

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def append(self, data: bytes) -> bool:
        """Append bytes; False if not all of them could be written."""
        try:
            written = os.write(self._opened(), data)
        except OSError:
            if not self._error_logged:
                logger.exception("a step's log cannot be written")
            self._error_logged = True
            return False
        self._size += written
        return written == len(data)

    def _opened(self) -> int:
        if self._descriptor is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            weakref.finalize(self, os.close, self._descriptor)
        return self._descriptor


class FolderFileStore:
    """Implements bot.file_store.FileStore in `runs` below the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._runs = data_dir / "runs"

    def open_append(self, run: int, name: str) -> LocalAppendFile:
        """Open a file for appending."""
        return LocalAppendFile(self._file(run, name))

    async def flush(self, run: int, name: str) -> None:
        """Do nothing: everything is written at once."""

    async def read(self, run: int, name: str, offset: int = 0, limit: int | None = None) -> bytes:
        """Return bytes of a file; nothing if it does not exist."""
        return await asyncio.to_thread(_read, self._file(run, name), offset, limit)

    async def size(self, run: int, name: str) -> int:
        """Return the size of a file; 0 where there is none."""
        return _size(self._file(run, name))

    async def put(self, run: int, files: Mapping[str, bytes]) -> None:
        """Write whole files; readers see either the old or the new content.

        Raises RetryLater(STORE_UNAVAILABLE) if the disk fails or is full.
        """
        try:
            await asyncio.to_thread(self._put, run, files)
        except OSError as error:
            raise RetryLater(Reason.STORE_UNAVAILABLE, {"message": error.strerror or str(error)}) from error

    async def names(self, run: int) -> tuple[str, ...]:
        """Return the names of a run's files."""
        return await asyncio.to_thread(_names, self._folder(run))

    async def remove(self, run: int, names: Collection[str]) -> None:
        """Remove files of a run, and folders that become empty."""
        await asyncio.to_thread(self._remove, run, names)

    async def clear(self, run: int, lease: Lease) -> None:
        """Remove all files of a run: there is no other replica."""
        del lease
        await self.remove(run, await self.names(run))

    async def runs_with_files(self, *, after: int = 0, limit: int = 100) -> Mapping[int, tuple[str, ...]]:
        """Return the names of files by run; see `FileStore.runs_with_files`."""
        return await asyncio.to_thread(self._held, after, limit)

    def _put(self, run: int, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            file = self._file(run, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".new")
            unfinished.write_bytes(data)
            unfinished.replace(file)

    def _remove(self, run: int, names: Collection[str]) -> None:
        for name in names:
            self._file(run, name).unlink(missing_ok=True)
        folder = self._folder(run)
        for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            _remove_if_empty(inner)
        _remove_if_empty(folder)

    def _held(self, after: int, limit: int) -> dict[int, tuple[str, ...]]:
        runs = sorted(
            int(path.name) for path in self._runs.glob("*") if path.name.isascii() and path.name.isdigit()
        )
        found = ((run, _names(self._folder(run))) for run in runs if run > after)
        return dict(islice(((run, names) for run, names in found if names), limit))

    def _folder(self, run: int) -> Path:
        return self._runs / str(int(run))

    def _file(self, run: int, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a file of a run: {name!r}")
        return self._folder(run) / name


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _read(file: Path, offset: int, limit: int | None) -> bytes:
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            return opened.read(-1 if limit is None else limit)
    except (OSError, ValueError):
        return b""


def _names(folder: Path) -> tuple[str, ...]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # it is not empty, or does not exist
