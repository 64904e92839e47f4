"""Reads the folders on the engine's disk that a container writes to."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.runners.docker.counting import Found, TooDeepError

LEVELS = 16
"""Levels of folders that the kernel follows in the time that it takes to look at a file."""
_REPLACED = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors for what has been removed in between, or has become a link."""


def inside(folders: Iterable[Path]) -> Iterator[Found]:
    """Yield what is in these folders, at any depth.

    Raises TooDeepError, and OSError if something may not be read.
    """
    for folder in folders:
        yield from _inside(folder)


def _inside(folder: Path) -> Iterator[Found]:
    # Names, not paths: half a million long paths would take the memory.
    waiting = [(str(folder), [""])]
    while waiting:
        parent, names = waiting[-1]
        if not names:
            waiting.pop()
            continue
        path, folders = f"{parent}/{names.pop()}", list[str]()
        waiting.append((path, folders))
        yield from [None] * (len(waiting) // LEVELS)
        for entry in _entries(path):
            found = _status(entry)
            if found and stat.S_ISDIR(found.st_mode):
                folders.append(entry.name)
            yield found


def _entries(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with _opened(path) as folder, os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        _ignore(error)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """Open a folder, so that the kernel follows its path once, and no link that has taken its place."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield folder
    finally:
        os.close(folder)


def _status(entry: os.DirEntry[str]) -> Found:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError as error:
        _ignore(error)
        return None


def _ignore(error: OSError) -> None:
    """Return if a change in between explains the error. Raises TooDeepError, and all other errors."""
    if error.errno == errno.ENAMETOOLONG:
        raise TooDeepError from error
    if error.errno not in _REPLACED:
        raise error
