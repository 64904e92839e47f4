"""Runs a container to its end and follows its output: a test suite, or a command that prepares data."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.model.errors import ChatOpsError
from bot.runners.cleanup import uninterrupted
from bot.runners.docker.containers import Containers
from bot.runners.docker.engine import EngineFault, EngineRefused
from bot.runners.docker.health import KILLED, OverDisk, ended, unstartable
from bot.runners.lines import LogWriter, clean

E = TypeVar("E", bound=ChatOpsError)


@dataclass(frozen=True, slots=True)
class OneOff:
    """Runs one container. `name` is what people call it in errors."""

    name: str
    containers: Containers
    writer: LogWriter
    over_disk: OverDisk

    @asynccontextmanager
    async def created(self, container: str, configuration: Mapping[str, Any]) -> AsyncIterator[str]:
        """Provide the id of a new container, which is removed in any case.

        Raises TellUser(CONTAINER_EXITED) if it cannot be created.
        """
        try:
            made = await self.containers.create(container, configuration)
        except (EngineRefused, EngineFault) as error:
            raise unstartable(error, self.name) from error
        try:
            yield made
        finally:
            await uninterrupted(self.containers.remove(made))

    async def exit_code(self, container: str, seconds: float) -> int:
        """Run a container to its end, and return its exit code.

        Raises TimeoutError, and TellUser(CONTAINER_EXITED | OUT_OF_MEMORY | DISK_EXCEEDED).
        """
        async with asyncio.timeout(seconds):
            async with self.containers.attached(container) as output:
                await self._start(container)
                async for lines in output:
                    self.writer.lines(lines)
            code = await self.containers.wait(container)
        state = await self.containers.inspect(container)
        if code == KILLED and state["State"].get("OOMKilled"):
            raise self.with_log(ended(state, self.name))
        if code == KILLED:
            await self.over_disk.check(container, self.name)
        return code

    async def _start(self, container: str) -> None:
        try:
            await self.containers.start(container)
        except (EngineRefused, EngineFault) as error:
            self.writer.line(clean(error.message))
            raise unstartable(error, self.name) from error

    def with_log(self, error: E) -> E:
        """Return the error with the last lines of the output."""
        error.log = "\n".join(self.writer.tail)
        return error
