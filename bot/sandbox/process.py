"""Starts the sandbox's processes, and reads their results without trusting them."""

import asyncio
import dataclasses
import enum
import pickle
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

from bot.model.errors import TooExpensive
from bot.model.limits import SandboxLimits
from bot.sandbox import child

P = ParamSpec("P")
T = TypeVar("T")

PROCESSES = 2
"""Processes at the same time; each may take as much memory as its limit."""


class ProcessSandbox:
    """Implements ports.Sandbox: one process for a call, unless its arguments are small."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(PROCESSES)

    async def call(
        self, limits: SandboxLimits, name: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function of a module; see `ports.Sandbox.call`. A cancelled call ends its process."""
        with tempfile.SpooledTemporaryFile(max_size=max(limits.inline, 1)) as order:
            if await asyncio.to_thread(_write, order, (function, args, kwargs)) <= limits.inline:
                return function(*args, **kwargs)
            async with self._free:
                kind, value = await _executed(order, limits)
        if kind == child.VALUE:
            result: T = value
            return result
        if kind == child.RAISED:
            raise value
        if kind == child.BUG:
            raise RuntimeError(f"reading {name}: {value}")
        facts = {"name": name, "seconds": str(limits.seconds), "limit": f"{limits.memory >> 20} MiB"}
        raise TooExpensive(facts)


async def _executed(order: IO[bytes], limits: SandboxLimits) -> tuple[str, Any]:
    with tempfile.TemporaryFile() as result:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(Path(child.__file__))),
            *map(str, (limits.seconds, limits.memory, limits.output)),
            stdin=order,
            stdout=result,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return await asyncio.to_thread(_read, result) if code == 0 else ("", None)


def _write(file: IO[bytes], order: object) -> int:
    """Write an order and return its size; large bytes are not copied before."""
    pickle.dump(order, file)
    size = file.tell()
    file.seek(0)
    return size


def _read(file: IO[bytes]) -> tuple[str, Any]:
    file.seek(0)
    kind, value = _Unpickler(file).load()
    return kind, value


class _Unpickler(pickle.Unpickler):
    """Accepts only values of the bot: what the process has read could have taken it over."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of values or errors. Raises UnpicklingError for anything else."""
        found = super().find_class(module, name) if module.startswith("bot.") else None
        if isinstance(found, type) and found.__module__ == module and _is_value(found):
            return _sealed(found) if issubclass(found, enum.Enum) else found
        raise pickle.UnpicklingError(f"not a value of the bot: {module}.{name}")


def _sealed(found: type[enum.Enum]) -> Callable[[Any], enum.Enum]:
    """Return what gives members, which take no attributes from a pickle: these would be everybody's."""
    found.__setstate__ = _refused  # type: ignore[attr-defined] # unpickling asks for it
    return partial(found)


def _refused(member: enum.Enum, _: object) -> None:
    raise pickle.UnpicklingError(f"attributes of {member!r}")


def _is_value(found: type) -> bool:
    """Return whether a class has values, and takes no attributes from a pickle itself."""
    frozen = dataclasses.is_dataclass(found) and hasattr(found, "__setstate__")
    return frozen or issubclass(found, enum.Enum | Exception)
