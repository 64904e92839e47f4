"""Reads the test reports of a step in the sandbox, and logs which files could not be read."""

from collections.abc import Mapping

from bot.core.results import report_files
from bot.core.results.suites import LIMITS
from bot.model.report import Report
from bot.steps.context import StepContext


async def read(files: Mapping[str, bytes], context: StepContext, name: str, *, passed: bool) -> Report:
    """Return the cases of test reports, which people together call `name`.

    `passed` says that the runner of the tests ended well. Raises TooExpensive.
    """
    sandbox, log = context.adapters.sandbox, context.log
    report = await sandbox.call(LIMITS, name, report_files.read, dict(files), reruns=passed)
    for path in report.unread:
        log.note(f"{path} takes too much time or memory to read: only a part of its cases counts")
    for file in report.unreadable:
        log.note(f"{file.path} cannot be read: {file.message}")
    for path in report.foreign:
        log.note(f"{path} is not read: it is no test report of a known format")
    return report
