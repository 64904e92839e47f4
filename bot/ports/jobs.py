"""Steps that another system executes as a whole, such as jobs of Jenkins."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.model.report import Report
from bot.ports.surroundings import Log


class ReportProgress(Protocol):
    """Stores what a running step reports about itself. An argument that is None changes nothing."""

    async def __call__(
        self, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        """Report what it waits for (hostile text), a handle of its work, and a page that shows it."""
        ...


@dataclass(frozen=True, slots=True)
class JobOrder:
    """A job of another system to run for a step. `name` is its full name, with slashes between folders."""

    step: str
    repository: str
    name: str
    parameters: Mapping[str, str]
    required: frozenset[str]
    """Parameters that the job must declare."""
    key: str
    """Identifies this piece of work: what was started under it is resumed, never started twice."""
    timeout: int
    """Seconds from the start of the job; time in its queue does not count."""
    files: tuple[str, ...] = ()
    """Patterns of the archived files to fetch."""
    tested: bool = False
    """Whether to fetch its published test results."""
    handle: str = ""
    """The handle that was reported before a restart."""


@dataclass(frozen=True, slots=True)
class JobEnding:
    """How a job ended; `result` is the other system's word."""

    name: str
    result: str
    number: int
    report: Report | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)


class Jobs(Protocol):
    """Runs jobs that are defined in another system: Jenkins."""

    async def run(
        self, order: JobOrder, log: Log, report_progress: ReportProgress, stopped: Callable[[], bool]
    ) -> JobEnding:
        """Start a job, or resume the one that was started under the same key, and follow it to its end.

        When it is cancelled and `stopped()`, it stops the job and waits until it has ended. Otherwise this
        bot is shutting down, and the job continues, to be resumed. It retries by itself while the system is
        unavailable. Raises TellUser(JENKINS_JOB_UNKNOWN | JENKINS_JOB_DISABLED | JENKINS_JOB_NOT_ALLOWED |
        JENKINS_PARAMETERS | JENKINS_QUEUED_TOO_LONG | JENKINS_ABORTED | TIMED_OUT), GiveUp(JENKINS_LOGIN |
        JENKINS_DENIED | JENKINS_LOST | JENKINS_UNAVAILABLE).
        """
        ...

    async def stop(self, order: JobOrder, log: Log) -> None:
        """Stop the job that was started under the order's key, if there is one, and wait for its end."""
        ...
