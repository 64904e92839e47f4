"""Runs the commands that prepare an environment's data in order, whatever executes them."""

from collections.abc import Awaitable, Callable, Mapping

from bot.core.environments.setup import title
from bot.model.errors import TellUser
from bot.model.pipeline import SetupCommand, SetupTime
from bot.model.reason import Reason
from bot.ports import SetupSpec
from bot.runners.lines import LogWriter

SETUP = "setup"
"""What people call what executes a command."""
SHELL = ("/bin/sh", "-c")
OUTPUT = 2 << 20
"""Characters of a command's output that are stored, so that the log has room for what comes after it."""

Execute = Callable[[int, SetupCommand, LogWriter], Awaitable[int]]
"""Executes a command, which has this number, writes its output, and returns its exit code.

Raises TimeoutError if that takes longer than `SetupSpec.timeout`.
"""


async def run(spec: SetupSpec, writer: LogWriter, execute: Execute, *, new: bool) -> None:
    """Run all commands, or those for every deployment if the data is not `new`.

    Raises TellUser(SETUP_FAILED | SETUP_TIMED_OUT), and what `execute` raises.
    """
    total = len(spec.commands)
    for number, command in enumerate(spec.commands, 1):
        facts = {"name": SETUP, "command": title(command.run)}
        where = f" in the image of {command.service}" if command.service else ""
        writer.line(f"setup {number} of {total}{where}: {facts['command']}")
        if command.when is SetupTime.FRESH and not new:
            writer.line(f"setup {number} of {total} is left out: the data is kept")
            continue
        output = writer.part(OUTPUT)
        await _succeed(execute(number, command, output), {**facts, "seconds": str(spec.timeout)}, output)
        writer.line(f"setup {number} of {total} is done")


async def _succeed(executed: Awaitable[int], facts: Mapping[str, str], output: LogWriter) -> None:
    try:
        code = await executed
    except TimeoutError:
        raise TellUser(Reason.SETUP_TIMED_OUT, facts, log="\n".join(output.tail)) from None
    except TellUser as error:
        # It could not be started, such as in an image without a shell.
        if error.reason is not Reason.CONTAINER_EXITED:
            raise
        raise _failed(facts, error.facts["code"], error.log) from error
    if code:
        raise _failed(facts, str(code), "\n".join(output.tail))


def _failed(facts: Mapping[str, str], code: str, log: str) -> TellUser:
    known = {name: facts[name] for name in ("name", "command")}
    return TellUser(Reason.SETUP_FAILED, {**known, "code": code}, log=log)
