"""Chooses the one line of a program's output that says why it failed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bot.core.results.last_lines import last_lines
from bot.model.environment import Outage
from bot.model.reason import Reason
from bot.model.run import StepResult, StepState
from bot.model.shortening import shortened

LONGEST = 160
"""Characters of the line that are shown."""

_EXITED = frozenset(
    {
        *(Reason.BUILD_FAILED, Reason.CONTAINER_EXITED, Reason.CRASH_LOOP, Reason.HOOK_FAILED),
        Reason.SETUP_FAILED,
    }
)
"""What ended with an error, so that even a last line of no known form says why."""
_SILENT = frozenset(
    {Reason.UNHEALTHY, Reason.NO_HTTP, Reason.PROBE_FAILING, Reason.READ_ONLY, Reason.NOT_PERMITTED}
)
"""What may still run, and have said nothing about it."""

_TRACEBACK = "Traceback (most recent call last):"
_KNOWN: Final = tuple(
    map(
        re.compile,
        (
            # Python, Node and Ruby's, PHP's and Java's classes: `KeyError: …`, `Error: Cannot find module …`.
            r"^(?:Uncaught )?[A-Za-z_$][\w.$]*(?:Error|Exception)(?: \[\w+\])?(?:: .+)?$",
            r"^Exception in thread .+",
            r"^Caused by: .+",
            r"^Unhandled exception\. .+",
            r"^(?:panic|fatal error): .+",
            r"^thread '.{0,80}' panicked at .+",
            r"^\S{1,200}\.rb:\d+:in .+",
            r"(?:PHP )?Fatal error: .+",
            r"\[(?:emerg|alert|crit)\] .+",
            r"\bFATAL: .+",
            r"^lua[\d.]*: .+",
        ),
    )
)
_TELLING = re.compile(
    r"(?i)permission denied|operation not permitted|connection refused|no such file|read-only file system"
    r"|address already in use|not found|cannot |could not|unable to|\berror\b"
)
_FRAME = re.compile(r"^\s+(?:at|from|File|\.\.\.|in) ")


def with_cause(result: StepResult) -> StepResult:
    """Return a failed result with the line that says why as its fact `cause`, if its output has one."""
    if result.state is not StepState.FAILED or result.reason not in _EXITED | _SILENT:
        return result
    found = cause(result.log_tail, ended=result.reason in _EXITED)
    return replace(result, facts={**result.facts, "cause": found}) if found else result


def outage_with_cause(outage: Outage) -> Outage:
    """Return why a preview stopped working, with the line of its output that says why as its fact `cause`."""
    # The last line of a program that has long been up, of no known form, is about something else.
    found = cause(outage.log, ended=False)
    return replace(outage, facts={**outage.facts, "cause": found}) if found else outage


def cause(output: str, *, ended: bool = True) -> str:
    """Return the line that says why a program failed, cut to 160 characters; empty if none does.

    The last line of a form that a common runtime uses counts most, then one with words such as “permission
    denied”; of a program that has `ended`, otherwise its last line.
    """
    lines = last_lines(output)
    found = [*_known(lines)] or [line for line in lines if _TELLING.search(line) and not _FRAME.match(line)]
    if not found and ended:
        found = lines
    return shortened(found[-1].strip(), LONGEST) if found else ""


def _known(lines: list[str]) -> Iterator[str]:
    """Yield what is in the form of a known runtime, without a time before it."""
    traced = False
    for line in lines:
        if line == _TRACEBACK:
            traced = True
        elif traced and not line[0].isspace():
            traced = False
            yield line
        elif match := next((match for form in _KNOWN if (match := form.search(line))), None):
            yield match.group()
