"""Test results that a suite reported; every string is hostile, because the code under test wrote it."""

from dataclasses import dataclass, field
from enum import StrEnum

from bot.model.run import TestCounts


class CaseState(StrEnum):
    """Result of a test. A `flaky` one failed first and passed in the end."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    FLAKY = "flaky"


@dataclass(frozen=True, slots=True)
class Case:
    """One test."""

    suite: str
    name: str
    state: CaseState
    seconds: float = 0.0
    message: str = ""
    details: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that is broken, hostile or too large; `message` is a short technical reason."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of one step, in the order of the files; `truncated` if there were more than are stored."""

    cases: tuple[Case, ...]
    truncated: bool = False
    unread: tuple[str, ...] = ()
    """Paths of files that were not read to their end, because that takes too much time or memory."""
    unreadable: tuple[UnreadableFile, ...] = ()
    """Files that cannot be read; the cases before the place where a file breaks off count."""
    foreign: tuple[str, ...] = ()
    """Paths of XML files of another kind, such as coverage."""
    unlisted: TestCounts = field(default_factory=TestCounts)
    """Totals of suites that list no cases."""
    recognized: bool = True
    """Whether any file is a test report."""

    @property
    def counts(self) -> TestCounts:
        """Totals over the cases, and over suites that list none; a flaky test counts as passed too."""
        states = [case.state for case in self.cases]
        flaky = states.count(CaseState.FLAKY)
        listed = TestCounts(
            passed=states.count(CaseState.PASSED) + flaky,
            failed=states.count(CaseState.FAILED),
            skipped=states.count(CaseState.SKIPPED),
            flaky=flaky,
            seconds=sum(case.seconds for case in self.cases),
        )
        return listed + self.unlisted
