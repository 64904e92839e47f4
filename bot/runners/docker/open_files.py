"""Reads which files the processes of containers have open, where the bot may read that in /proc.

A deleted file keeps its blocks until nobody has it open, but no folder shows it. A process belongs to a
container if its cgroup has the container's id, so no process of this machine is mistaken for one elsewhere.
"""

import ctypes
import os
import platform
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from pathlib import Path

from bot.runners.docker.counting import Found

PROC = Path("/proc")
TABLES = 8
"""Tables of descriptors of a process to which that of another thread is compared."""
_ID = re.compile(rb"[0-9a-f]{64}")
_KCMP = {"x86_64": 312, "aarch64": 272, "riscv64": 272}
"""The number of the system call kcmp(2), by machine."""
_KCMP_FILES = 2


def processes(containers: AbstractSet[str], proc: Path = PROC) -> Mapping[str, Sequence[int]]:
    """Return the processes of these containers, by their full ids."""
    found = defaultdict[str, list[int]](list)
    for pid in _numbers(proc):
        with suppress(OSError):
            for container in container_ids((proc / str(pid) / "cgroup").read_bytes()) & containers:
                found[container].append(pid)
    return found


def container_ids(cgroups: bytes) -> AbstractSet[str]:
    """Return the ids of containers in the text of /proc/PID/cgroup."""
    return {found.decode() for found in _ID.findall(cgroups)}


def roots(pids: Iterable[int], proc: Path = PROC) -> Sequence[Path]:
    """Return the paths to the root file systems of these processes."""
    return [proc / f"{pid}/root" for pid in pids]


def opened(pids: Iterable[int], proc: Path = PROC) -> Iterator[Found]:
    """Yield the files and folders that these processes have open or use; None for other mappings."""
    for pid in pids:
        tasks = _numbers(proc / f"{pid}/task")
        for task in _without_sharers(tasks):
            yield from _descriptors(proc / str(task))
        for task in tasks:
            yield from (_status(proc / str(task) / name) for name in ("exe", "cwd"))
        # The leader may have ended, and then has no mappings; all other threads have the same.
        for task in tasks:
            yield from (mapped := list(_mapped(proc / str(task))))
            if mapped:
                break


def _descriptors(process: Path) -> Iterator[Found]:
    with suppress(OSError), os.scandir(process / "fd") as entries:
        for entry in entries:
            yield _status(entry)


def _mapped(process: Path) -> Iterator[Found]:
    with suppress(OSError), (process / "maps").open("rb") as lines:
        for line in lines:
            if line.endswith(b" (deleted)\n"):
                yield _status(process / "map_files" / line.split(b" ", 1)[0].decode())
            else:
                yield None


def _without_sharers(tasks: Sequence[int]) -> Sequence[int]:
    """Return a thread for each table of descriptors; a thread may have its own."""
    found: list[int] = []
    for task in tasks:
        if not any(_share(task, other) for other in found[:TABLES]):
            found.append(task)
    return found


def _share(task: int, other: int) -> bool:
    number = _KCMP.get(platform.machine())
    return number is not None and _LIBC.syscall(number, task, other, _KCMP_FILES, 0, 0) == 0


_LIBC = ctypes.CDLL(None)


def _numbers(folder: Path) -> Sequence[int]:
    with suppress(OSError):
        return [int(name) for name in os.listdir(folder) if name.isdecimal()]  # noqa: PTH208 - only names
    return ()


def _status(path: os.PathLike[str]) -> Found:
    try:
        return os.stat(path)  # noqa: PTH116 - fast, also for entries of a folder
    except OSError:
        return None
