"""Work that somebody else carries out as a whole, such as a job of Jenkins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.model.report import Report
from bot.ports.surroundings import Log


class ReportProgress(Protocol):
    """How a step under way tells of itself; all of it is kept before this returns, None changes nothing."""

    async def __call__(
        self, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        """Tell what it waits for (hostile text), by what it is found again, and which page shows it."""
        ...


@dataclass(frozen=True, slots=True)
class JobOrder:
    """One job of another system to run for a step. `name` is its full name, folders divided by slashes."""

    step: str
    repository: str
    name: str
    parameters: Mapping[str, str]
    required: frozenset[str]
    """Parameters that would be missed: the job has to declare them."""
    key: str
    """Names this very piece of work: what was started under it is taken up again, never started twice."""
    timeout: int
    """Seconds from its beginning; waiting in line does not count."""
    files: tuple[str, ...] = ()
    """Patterns of the archived files to bring."""
    tested: bool = False
    """Whether its published test results are wanted."""
    handle: str = ""
    """What was told before a restart."""


@dataclass(frozen=True, slots=True)
class JobEnding:
    """How a job ended: `result` in the other system's word."""

    name: str
    result: str
    number: int
    report: Report | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


class Jobs(Protocol):
    """Runs jobs that people keep elsewhere: Jenkins."""

    async def run(
        self, order: JobOrder, log: Log, report_progress: ReportProgress, stopped: Callable[[], bool]
    ) -> JobEnding:
        """Start a job, or take up the one that was started under the same key, and follow it to its end.

        Cancelling stops it and waits until it is gone if `stopped()`; otherwise this bot only goes away,
        and leaves it to be taken up again. Has a patience of its own with a system that is away. Raises
        TellUser(JENKINS_JOB_UNKNOWN | JENKINS_JOB_DISABLED | JENKINS_JOB_NOT_ALLOWED | JENKINS_PARAMETERS |
        JENKINS_QUEUED_TOO_LONG | JENKINS_ABORTED | TIMED_OUT), GiveUp(JENKINS_LOGIN | JENKINS_DENIED |
        JENKINS_LOST | JENKINS_UNAVAILABLE).
        """
        ...

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop what was started under the order's key, if anything was, and wait until it is gone."""
        ...
