"""Free space of file systems, and what containers have written."""

from dataclasses import dataclass

from bot.model.environment import EnvironmentKey


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """The free space of the file system with a folder, in bytes and in inodes."""

    name: str
    """What the folder is for: `data` or the name of a runner."""
    folder: str
    free: int
    total: int
    free_inodes: int = 0
    inodes: int = 0
    """How many files the file system can hold; 0 if it has no such limit."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one container has written: to its root file system, and to volumes of its own."""

    id: str
    """Its identifier at the runner."""
    part: str
    """Its name on the environment's network, such as `app`."""
    key: EnvironmentKey
    size: int
    tests: bool = False
    """Whether it runs a test suite."""
    run: int = 0
    """The run that created it, 0 if unknown."""
