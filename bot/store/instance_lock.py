"""The lock of a data folder, which one process holds at a time.

The file contains the name of the last holder. A process that is started again after a crash finds its former
name there and can release at once what that replica held; other replicas must wait until its lease ends. The
kernel releases the lock when the process ends, whatever the cause.
"""

import fcntl
import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)

_LONGEST_NAME = 64


class InstanceLock:
    """A locked file that contains the name of its holder, or of the last one."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = _locked(folder / "replica")

    @property
    def name(self) -> str:
        """Name of the last holder; empty if unknown, or if another process holds the lock."""
        if self._descriptor is None:
            return ""
        return os.pread(self._descriptor, _LONGEST_NAME, 0).decode("ascii", "replace").rstrip()

    def remember(self, name: str) -> None:
        """Store the name for the next holder."""
        if self._descriptor is not None:  # The same space each time: a full disk must not prevent it.
            os.pwrite(self._descriptor, name.encode("ascii").ljust(_LONGEST_NAME), 0)

    def close(self) -> None:
        """Release the lock."""
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
            "another replica has locked %s (%s): if this one crashes, its work waits until its lease ends",
            file,
            error,
        )
        return None
    return descriptor
