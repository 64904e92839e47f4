"""Measures the free space of the disks that runs write to; while one lacks space, no run starts."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.core.runs import disk_space
from bot.engine.metrics import NO_METRICS, Metrics
from bot.model.disk import FreeSpace
from bot.words import quantities

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class DiskSpace:
    """The latest measurement of this replica; runs of others may be executed on other machines."""

    measure: Callable[[], Awaitable[Sequence[FreeSpace]]]
    least: int
    """Bytes that must be free."""
    metrics: Metrics = NO_METRICS
    found: Sequence[FreeSpace] = ()

    async def reconcile(self) -> None:
        """Measure again, and log when a disk has become full or has space again."""
        before, self.found = self.problem, await self.measure()
        for space in self.found:
            self.metrics.disk_measured(space.name, space.free)
        if bool(self.problem) != bool(before):
            logger.warning("disk space: %s", self.problem or "there is enough again")

    @property
    def low(self) -> bool:
        """Whether a disk lacks space."""
        return disk_space.fullest(self.found, self.least) is not None

    @property
    def problem(self) -> str:
        """The disk that lacks space, for operators; empty if none does."""
        space = disk_space.fullest(self.found, self.least)
        if space is None:
            return ""
        usable = disk_space.usable(space)
        needed = quantities.size(usable + disk_space.missing(space, self.least))
        free = quantities.size(usable)
        why = f" (of {space.inodes} inodes, {space.free_inodes} are free)" if usable < space.free else ""
        return f"{free} free in {space.folder}{why}, less than {needed}: no run starts until there is more"

    def missing(self, name: str) -> int:
        """Return the bytes that the disk of this name lacks; 0 if it is unknown."""
        return sum(disk_space.missing(space, self.least) for space in self.found if space.name == name)
