"""Functions that the sandbox calls in its processes: they want more than they get."""

import os
import resource
from pathlib import Path
from typing import Any


class ForeignError(Exception):
    """An error of no module of the bot."""


def process_id(*_: object) -> int:
    return os.getpid()


def environment() -> dict[str, str]:
    return dict(os.environ)


def limits() -> dict[str, tuple[int, int]]:
    kinds = {
        "cpu": resource.RLIMIT_CPU,
        "memory": resource.RLIMIT_AS,
        "files": resource.RLIMIT_NOFILE,
        "file size": resource.RLIMIT_FSIZE,
        "core": resource.RLIMIT_CORE,
    }
    return {name: resource.getrlimit(kind) for name, kind in kinds.items()}


def endless() -> None:
    while True:
        pass


def stubborn() -> None:
    """Ignore that the time is used up, until the kernel ends the process."""
    while True:
        try:
            endless()
        except Exception:  # noqa: BLE001, S112 - as careless code would
            continue


def memory() -> int:
    return len(bytes(4 << 30))


def output() -> bytes:
    return bytes(2 << 20)


def file(path: str) -> None:
    Path(path).write_bytes(bytes(2 << 20))


def many_files() -> None:
    opened = [Path("/dev/null").open() for _ in range(100)]  # noqa: SIM115 - the limit closes them
    assert not opened


def foreign_value() -> Any:
    return Path("/")


def foreign_error() -> None:
    raise ForeignError("a bug")


def announced(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    endless()
