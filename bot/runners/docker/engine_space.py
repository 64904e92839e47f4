"""Stops builds while the engine's disk lacks space: nothing limits what a RUN instruction writes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.core.runs import disk_space
from bot.model.disk import FreeSpace
from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.runners.docker.disk_usage import DiskUsage
from bot.words import quantities

INTERVAL = 0.5
"""Seconds between two measurements."""


def measured(folder: Path, name: str = "docker") -> FreeSpace:
    """Return the free space of a folder's file system. Raises OSError."""
    found = os.statvfs(folder)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    return FreeSpace(name, str(folder), free, total, found.f_favail, found.f_files)


class EngineSpace:
    """The space on the disk of an engine; `least` bytes must be free. Elsewhere nothing is stopped."""

    def __init__(self, usage: DiskUsage, least: int, measure: Callable[[Path], FreeSpace] = measured) -> None:
        self._usage = usage
        self._least = least
        self._measure = measure

    @asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """Cancel what runs inside when space is lacking, at the start too. Raises RetryLater(DISK_FULL)."""
        limit = asyncio.timeout(None)
        try:
            async with limit:
                watching = asyncio.create_task(self._watch(limit))
                try:
                    yield
                finally:
                    watching.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            free = await self._lacking()
            facts = {"free": quantities.size(disk_space.usable(free))} if free else {}
            raise RetryLater(Reason.DISK_FULL, facts) from None

    async def _watch(self, limit: asyncio.Timeout) -> None:
        while await self._lacking() is None:  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(INTERVAL)
        limit.reschedule(asyncio.get_running_loop().time())

    async def _lacking(self) -> FreeSpace | None:
        folder = await self._usage.folder()
        if folder is None:
            return None
        try:
            space = await asyncio.to_thread(self._measure, folder)
        except OSError:
            return None
        return disk_space.fullest([space], self._least)
