"""Reads the JUnit reports of a step in the sandbox, and says which could not be read to their end."""

from collections.abc import Mapping, Sequence

from bot.core.results import junit
from bot.core.results.junit_cases import MOST_ELEMENTS
from bot.core.results.unreadable import UnreadableFileError
from bot.model.errors import TellUser
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.model.report import Report
from bot.steps.context import StepContext

LIMITS = SandboxLimits(seconds=20, output=128 << 20, inline=64 << 10)
_NAMED = 3
"""Unread files that are named."""


async def read(files: Mapping[str, bytes], context: StepContext, name: str, **facts: str) -> Report:
    """Return the cases of JUnit files, whose report people call `name`.

    Raises TellUser(REPORT_UNREADABLE), with these facts as well, or TooExpensive.
    """
    sandbox = context.adapters.sandbox
    try:
        report = await sandbox.call(LIMITS, name, junit.read, dict(files))
    except UnreadableFileError as error:
        found = {"path": error.path, "message": error.message, **facts}
        raise TellUser(Reason.REPORT_UNREADABLE, found) from error
    for path in report.unread:
        context.log.note(f"{path} takes too much time or memory to read: only a part of its cases counts")
    return report


def cut(unread: Sequence[str]) -> dict[str, str] | None:
    """Return the facts of REPORT_CUT for these files, or None if there are none."""
    if not unread:
        return None
    return {
        "paths": ", ".join(unread[:_NAMED]),
        "seconds": str(LIMITS.seconds),
        "limit": f"{LIMITS.memory >> 20} MiB",
        "total": f"{MOST_ELEMENTS:,}",
    }
