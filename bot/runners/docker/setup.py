"""Runs the commands that prepare an environment's data, each in a container of its own."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.core.environments.setup import title
from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.ports import SetupSpec
from bot.runners.docker.container import ContainerLimits, ContainerSpec, configuration
from bot.runners.docker.containers import Containers
from bot.runners.docker.health import OverDisk
from bot.runners.docker.one_off import OneOff
from bot.runners.lines import LogWriter

SETUP = "setup"
"""What people call these containers."""
SHELL = ("/bin/sh", "-c")
OUTPUT = 2 << 20
"""Characters of a command's output that are stored, so that the log has room for what comes after it."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The commands of one deployment."""

    spec: SetupSpec
    limits: ContainerLimits
    containers: Containers
    over_disk: OverDisk
    writer: LogWriter
    names: Callable[[str], str]
    """Returns the name of the container of a part."""

    async def run(self, container: ContainerSpec) -> None:
        """Run all commands, in containers such as this one.

        Raises TellUser(SETUP_FAILED | SETUP_TIMED_OUT | OUT_OF_MEMORY | DISK_EXCEEDED).
        """
        loop = asyncio.get_running_loop()
        end, total = loop.time() + self.spec.timeout, len(self.spec.commands)
        for number, command in enumerate(self.spec.commands, 1):
            facts = {"name": SETUP, "command": title(command)}
            self.writer.line(f"setup {number} of {total}: {facts['command']}")
            made = replace(container, entrypoint=SHELL, command=(command,))
            await self._command(made, facts, end - loop.time())
            self.writer.line(f"setup {number} of {total} is done")

    async def _command(self, made: ContainerSpec, facts: Mapping[str, str], seconds: float) -> None:
        body = configuration(made, self.limits)
        one_off = OneOff(SETUP, self.containers, self.writer.part(OUTPUT), self.over_disk)
        try:
            async with one_off.created(self.names(made.alias), body) as container:
                code = await one_off.exit_code(container, seconds)
        except TimeoutError:
            timed_out = {**facts, "seconds": str(self.spec.timeout)}
            raise one_off.with_log(TellUser(Reason.SETUP_TIMED_OUT, timed_out)) from None
        except TellUser as error:
            if error.reason is not Reason.CONTAINER_EXITED:
                raise
            raise TellUser(Reason.SETUP_FAILED, {**error.facts, **facts}, log=error.log) from error
        if code:
            raise one_off.with_log(TellUser(Reason.SETUP_FAILED, {**facts, "code": str(code)}))
