"""Reads the commands of a comment, whose Markdown can be large and malicious."""

from collections.abc import Iterable

from bot.core.language import commandline, parsing
from bot.core.language.command import AnyCommand
from bot.core.language.parsing import Line
from bot.model.forge import Comment
from bot.model.limits import SandboxLimits
from bot.ports import Sandbox

LIMITS = SandboxLimits(seconds=10, inline=2 << 10)


async def read(sandbox: Sandbox, comment: Comment, commands: Iterable[AnyCommand]) -> tuple[Line, ...]:
    """Return the commands and near misses of a comment in order."""
    body = comment.body[: commandline.MAX_BODY]
    if not commandline.may_contain_commands(body):
        return ()
    name = f"comment {comment.id}"
    return parsing.parse_lines(await sandbox.call(LIMITS, name, commandline.command_lines, body), commands)
