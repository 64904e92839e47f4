"""Decides how a test step ended, from the exit codes and reports of its suites."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.results.cases import MOST_ELEMENTS
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.model.report import UnreadableFile
from bot.model.run import Note, StepResult, StepState, TestCounts

LIMITS = SandboxLimits(seconds=20, output=128 << 20, inline=64 << 10)
"""Limits of reading the reports of one suite."""
SHOWN_FAILURES = 50
_NAMED = 3
"""Files of each kind that are named."""


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The result of one suite, without its report, which can take much memory."""

    suite: str
    exit_code: int
    counts: TestCounts | None
    """None if it wrote no report."""
    failed_tests: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unreadable: tuple[UnreadableFile, ...] = ()
    foreign: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict)
    """What a few of the failed tests say."""

    @property
    def failed(self) -> bool:
        """Whether the suite failed, by its report or by its exit code; what was not read did not pass."""
        wrong = self.unread or self.unreadable or (self.counts and self.counts.failed)
        return self.exit_code != 0 or bool(wrong)

    @property
    def empty(self) -> bool:
        """Whether its report lists no test that was executed."""
        return self.counts is not None and none_ran(self.counts)


def verdict(results: Sequence[SuiteResult], path: str, tail: str) -> StepResult:
    """Combine the results of the suites: failed if any failed. Without reports the exit codes decide.

    `path` is where the reports should be, and `tail` the end of the log.
    """
    reports = [result.counts for result in results if result.counts is not None]
    counts = sum(reports, TestCounts()) if reports else None
    broken = [result for result in results if result.failed]
    if broken:
        return _failed(results, broken, counts, path, tail)
    facts = {"path": path, "code": "0"}
    if counts is None:
        return StepResult(StepState.PASSED, Reason.NO_REPORT, facts, notes=_foreign(results))
    if none_ran(counts):
        return StepResult(StepState.SKIPPED, Reason.NO_TEST_RAN, facts, tests=counts)
    return StepResult(StepState.PASSED, None, facts, tests=counts, notes=_empty(results))


def none_ran(counts: TestCounts) -> bool:
    """Whether no test was executed."""
    return counts.passed + counts.failed == 0


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


def unreadable_notes(files: Sequence[UnreadableFile], **facts: str) -> tuple[Note, ...]:
    """Return a note about each of the first files that cannot be read, of which one has the `facts`."""
    found = [{"path": file.path, "message": file.message} for file in files[:_NAMED]]
    return tuple(Note("report_unreadable", one | ({} if at else facts)) for at, one in enumerate(found))


def foreign_notes(paths: Sequence[str]) -> tuple[Note, ...]:
    """Return the note about XML files that are no test reports, which explains why there is no report."""
    return (Note("not_a_test_report", {"paths": ", ".join(paths[:_NAMED])}),) if paths else ()


def _failed(
    results: Sequence[SuiteResult],
    broken: Sequence[SuiteResult],
    counts: TestCounts | None,
    path: str,
    tail: str,
) -> StepResult:
    reason, facts = _why(broken, counts, path)
    notes = _unreadable(results)
    tests_failed = reason is Reason.TESTS_FAILED
    return StepResult(
        StepState.FAILED,
        reason,
        facts,
        log_tail="" if tests_failed else tail,
        tests=counts,
        failed_tests=tuple(name for result in results for name in result.failed_tests)[:SHOWN_FAILURES],
        failure_messages={name: text for result in results for name, text in result.messages.items()},
        failed_suites=tuple(result.suite for result in broken),
        # The reason itself says what the first note does.
        notes=(notes[1:] if reason is Reason.REPORT_UNREADABLE else notes)
        + (_foreign(results) if counts is None else _empty(results)),
    )


def _why(
    broken: Sequence[SuiteResult], counts: TestCounts | None, path: str
) -> tuple[Reason, dict[str, str]]:
    """Return what counts most: failed tests, then files that cannot be read, then the exit code."""
    facts = {"code": str(broken[0].exit_code), "path": path}
    if counts and counts.failed:
        return Reason.TESTS_FAILED, {**facts, "failed": str(counts.failed), "total": str(counts.total)}
    for result in broken:
        if result.unreadable:
            (note,) = unreadable_notes(result.unreadable[:1], code=str(result.exit_code))
            return Reason.REPORT_UNREADABLE, dict(note.facts)
    if found := cut([name for result in broken for name in result.unread]):
        return Reason.REPORT_CUT, found
    if counts is None:
        return Reason.NO_REPORT, facts
    return Reason.NO_TEST_RAN if none_ran(counts) else Reason.TESTS_EXITED, facts


def _unreadable(results: Sequence[SuiteResult]) -> tuple[Note, ...]:
    notes = (unreadable_notes(result.unreadable, code=str(result.exit_code)) for result in results)
    return tuple(note for some in notes for note in some)[:_NAMED]


def _foreign(results: Sequence[SuiteResult]) -> tuple[Note, ...]:
    return foreign_notes([path for result in results for path in result.foreign])


def _empty(results: Sequence[SuiteResult]) -> tuple[Note, ...]:
    """Return the note about suites of which no test was executed, beside others whose tests were."""
    names = [result.suite for result in results if result.empty]
    return (Note("suites_without_tests", {"names": ", ".join(names)}),) if names else ()
