"""Measures what containers have written: to their root file systems, and to their volumes.

The engine counts root file systems cheaply, but volumes only together with all images. Volumes are therefore
counted here where their folders can be read; otherwise the engine counts them, at most once a minute.
"""

import asyncio
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bot.core import naming
from bot.core.naming import LABEL_INSTANCE
from bot.model.disk import Written
from bot.model.errors import ChatOpsError
from bot.model.inventory import Item, ItemKind
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.inventory import container_item
from bot.runners.docker.labels import matching

COUNT_EVERY = 60.0
"""Least seconds between two counts of volumes by the engine, which reads all of its folder for it."""
MOST_FILES = 200_000
"""Files and folders of a volume that are counted at most."""
BLOCK = 512


class DiskUsage:
    """The `Disks` of one engine."""

    def __init__(self, engine: DockerEngine, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        self._folder: Path | None = None
        self._asked = False
        self._counted: Mapping[str, int] = {}
        self._counted_at = float("-inf")

    async def folder(self) -> Path | None:
        """Return the engine's folder; see `Disks.folder`."""
        if not self._asked and self._engine.local:
            with suppress(ChatOpsError):
                folder = str((await self._engine.get("/info"))["DockerRootDir"])
                self._folder = Path(folder) if os.access(folder, os.F_OK) else None
                self._asked = True
        return self._folder

    async def written(self) -> tuple[Written, ...]:
        """Return what this bot's containers have written; see `Disks.written`."""
        filters = matching({LABEL_INSTANCE: self._instance})
        found = await self._engine.short(lambda api: api.containers(all=True, size=True, filters=filters))
        return tuple([await self._written(one, item) for one in found if (item := container_item(one))])

    async def size(self, container: str) -> int:
        """Return the bytes that one container has written; 0 if it does not exist."""
        found = await self._engine.short(
            lambda api: api.containers(all=True, size=True, filters={"id": [container]})
        )
        return sum([await self._size(one) for one in found])

    async def kill(self, container: str) -> bool:
        """Kill a container; see `Disks.kill`."""
        try:
            await self._engine.short(lambda api: api.kill(container))
        except EngineRefused as refused:
            # 409: it does not run.
            if refused.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                raise
            return False
        return True

    async def _written(self, found: Mapping[str, Any], item: Item) -> Written:
        part = item.name.removeprefix(naming.container(item.key, "", self._instance))
        return Written(item.id, part, item.key, await self._size(found), item.kind is ItemKind.TESTS)

    async def _size(self, found: Mapping[str, Any]) -> int:
        size = int(found.get("SizeRw") or 0)
        names = [str(mount["Name"]) for mount in found.get("Mounts") or () if mount["Type"] == "volume"]
        if not names:
            return size
        within = await self.folder()
        if within is None or not os.access(within / "volumes", os.R_OK | os.X_OK):
            counted = await self._count()
            return size + sum(counted.get(name, 0) for name in names)
        folders = [within / "volumes" / name / "_data" for name in names]
        return size + await asyncio.to_thread(_counted, folders)

    async def _count(self) -> Mapping[str, int]:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_EVERY:
            found = await self._engine.get("/system/df", type="volume")
            volumes = found.get("Volumes") or ()
            self._counted = {str(one["Name"]): int(one["UsageData"]["Size"]) for one in volumes}
            self._counted_at = time.monotonic()
        return self._counted


def _counted(folders: Iterable[Path]) -> int:
    """Return the bytes that what is in these folders takes on the disk."""
    return sum(
        sum(size for _, size in zip(range(MOST_FILES), _sizes(folder), strict=False)) for folder in folders
    )


def _sizes(folder: Path) -> Iterator[int]:
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with suppress(OSError):  # removed in between
                status = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - fast, for many files
                links = 1 if stat.S_ISDIR(status.st_mode) else status.st_nlink
                yield status.st_blocks * BLOCK // links
