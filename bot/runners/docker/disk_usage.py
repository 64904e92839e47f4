"""Measures what containers have written: to their root file systems, their volumes, and to deleted files.

Where the engine's folder can be read, files are counted here: the engine leaves out folders, space that is
reserved beyond the end of a file, inodes, and what it mounts over /etc/hosts. Elsewhere the engine counts. It
counts volumes only together with all images, so it is asked for them at most once a minute.
"""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any

from bot.core import naming
from bot.core.naming import LABEL_INSTANCE
from bot.model.disk import Written
from bot.model.errors import ChatOpsError
from bot.model.inventory import Item, ItemKind
from bot.runners.docker import counting, open_files, written_files
from bot.runners.docker.counting import UncountableError
from bot.runners.docker.engine import DockerEngine, EngineRefused
from bot.runners.docker.inventory import container_item
from bot.runners.docker.labels import matching

COUNT_EVERY = 60.0
"""Least seconds between two counts of volumes by the engine, which reads all of its folder for it."""


class DiskUsage:
    """The `Disks` of one engine. What is too much to be counted is called more than `most` bytes."""

    def __init__(self, engine: DockerEngine, instance: str, most: int = 1 << 30) -> None:
        self._engine = engine
        self._instance = instance
        self._most = most
        self._folder: Path | None = None
        self._asked = False
        self._counted: Mapping[str, int] = {}
        self._counted_at = float("-inf")
        self._largest: Mapping[str, int] = {}
        self._blind = False

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
        listed = await self._engine.short(lambda api: api.containers(all=True, filters=filters))
        items = [item for one in listed if (item := container_item(one))]
        ids = {item.id for item in items}
        processes = await self._processes(ids)
        found = tuple([await self._written(item, processes.get(item.id, ())) for item in items])
        before = self._largest
        self._largest = {one.id: max(one.size, before.get(one.id, 0)) for one in found}
        return found

    async def size(self, container: str) -> int:
        """Return the most bytes that one container was seen to have written; 0 if it does not exist.

        Deleted files take nothing any more when the container that had them open has been killed for them.
        """
        processes = await self._processes({container})
        size = await self._size(container, processes.get(container, ()))
        return max(size, self._largest.get(container, 0))

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

    async def _processes(self, containers: set[str]) -> Mapping[str, Sequence[int]]:
        if not self._engine.local:
            return {}
        return await asyncio.to_thread(open_files.processes, containers)

    async def _written(self, item: Item, processes: Sequence[int]) -> Written:
        part = naming.part(item.name, item.key, self._instance, item.run)
        size = await self._size(item.id, processes)
        return Written(item.id, part, item.key, size, item.kind is ItemKind.TESTS, item.run)

    async def _size(self, container: str, processes: Sequence[int]) -> int:
        try:
            found = await self._engine.get(f"/containers/{container}/json")
            folders, size = await self._folders(found)
            return size + await asyncio.to_thread(_counted, folders, processes)
        except EngineRefused as refused:
            # Removed in between.
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return 0
        except UncountableError as error:
            return max(error.size, self._most + 1)
        except PermissionError:
            # This account may not read everything: from now on, the engine counts.
            if self._blind:
                raise
            self._blind = True
            return await self._size(container, processes)

    async def _folders(self, found: Mapping[str, Any]) -> tuple[Sequence[Path], int]:
        """Return a container's folders that can be counted here, and the engine's count of the others."""
        within = None if self._blind else await self.folder()
        layer, volumes = _layer(found), _volumes(found)
        folders, size = list[Path](), 0
        if within and _readable(layer):
            folders += layer
        else:
            sized = await self._engine.get(f"/containers/{found['Id']}/json", size="1")
            size += max(0, int(sized.get("SizeRw") or 0))
        if within and _readable([within / "volumes"]):
            folders += [within / "volumes" / name / "_data" for name in volumes]
        elif volumes:
            counted = await self._count()
            size += sum(counted.get(name, 0) for name in volumes)
        return folders, size

    async def _count(self) -> Mapping[str, int]:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_EVERY:
            found = await self._engine.get("/system/df", type="volume")
            volumes = found.get("Volumes") or ()
            self._counted = {str(one["Name"]): int(one["UsageData"]["Size"]) for one in volumes}
            self._counted_at = time.monotonic()
        return self._counted


def _layer(found: Mapping[str, Any]) -> Sequence[Path]:
    """Return the folders of a container's own files and of what is mounted over /etc/hosts, if known."""
    upper = ((found.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir")
    hosts = found.get("HostsPath")
    return [Path(upper), *([Path(hosts).parent] if hosts else [])] if upper else []


def _volumes(found: Mapping[str, Any]) -> Sequence[str]:
    return [str(mount["Name"]) for mount in found.get("Mounts") or () if mount["Type"] == "volume"]


def _readable(folders: Sequence[Path]) -> bool:
    return bool(folders) and all(os.access(folder, os.R_OK | os.X_OK) for folder in folders)


def _counted(folders: Sequence[Path], processes: Sequence[int]) -> int:
    """Return the bytes in these folders, and those of deleted files that the processes have open."""
    disks, roots = _devices(folders), _devices(open_files.roots(processes))
    opened = counting.deleted(open_files.opened(processes), disks | roots)
    # An overlay shows its files on a device of its own. Those of several disks could have the same number.
    alias = dict.fromkeys(roots, *disks) if len(disks) == 1 else {}
    return counting.size(chain(written_files.inside(folders), opened), alias)


def _devices(paths: Sequence[Path]) -> set[int]:
    found = set[int]()
    for path in paths:
        with suppress(OSError):
            found.add(path.stat().st_dev)
    return found
