"""The seat of a replica on its machine: whoever sits down there knows that the one before has ended.

So what a process had in hand that was killed and started again is free at once; others who only see its
silence wait longer. The kernel lets go of the seat when its process ends, however it ends.
"""

import fcntl
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

_LONGEST_NAME = 64


class Seat:
    """A file that one process at a time has; in it stands the name that this one, or the last, goes by."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _locked(folder / "replica")

    @property
    def name(self) -> str:
        """The name that was remembered last; empty where there is none, or another process sits here."""
        if self._descriptor is None:
            return ""
        return os.pread(self._descriptor, _LONGEST_NAME, 0).decode("ascii", "replace")

    def remember(self, name: str) -> None:
        """Remember a name for whoever sits here next."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, name.encode("ascii"), 0)

    def close(self) -> None:
        """Stand up."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _locked(file: Path) -> int | None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        logger.info(
            "another replica has %s (%s): this one is taken over a little later if it dies", file, error
        )
        return None
    return descriptor
