"""The HTML report of a run: one file without scripts that loads nothing from elsewhere.

The limits here keep a report of 20,000 tests readable; the template only does the layout.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.model.report import Case, CaseState, UnreadableFile
from bot.model.run import TestCounts
from bot.model.shortening import shortened
from bot.model.text import Language
from bot.reports.paths import address, is_own_page
from bot.reports.results import SuiteResults, read_all
from bot.reports.stream import printable
from bot.words.names import STATES
from bot.words.quantities import duration

TEMPLATES = Path(__file__).parent / "templates"

MOST_FAILURES = 300
"""Failures shown with their details; the others are only named in the tables."""
MOST_OPEN = 20
MOST_ROWS = 10_000
"""Rows in all tables together; tests that did not pass are listed even beyond it."""
MOST_GROUPS = 500
"""Classes or files of each suite, those with failures first."""
MOST_TEXT = 8_000
"""Characters of one test's details or output."""
MOST_TEXTS = 4_000_000
"""Characters of all details together."""
_SLOWEST = 10
_SLOW_SECONDS = 0.1
_LONGEST_NAME = 300
_LONGEST_MESSAGE = 2_000
_FEW_CASES = 40
_ORDER = {CaseState.FAILED: 0, CaseState.FLAKY: 1, CaseState.SKIPPED: 2, CaseState.PASSED: 3}


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A failed or flaky test with its details and output."""

    case: Case
    details: str
    output: str
    open: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The tests of one class or file."""

    name: str
    counts: TestCounts
    rows: tuple[Case, ...]
    left_out: int
    open: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One suite of `.chatops.yml`."""

    name: str
    counts: TestCounts
    failures: tuple[FailedCase, ...]
    failures_left_out: int
    groups: tuple[Group, ...]
    groups_left_out: int
    truncated: bool
    unreadable: tuple[UnreadableFile, ...]
    pages: tuple[tuple[str, str], ...]


def page(language: Language, run: int, results: Sequence[bytes]) -> bytes:
    """Return the report of a run from the stored results of its suites."""
    return compiled(language).render(run, read_all(results)).encode("utf-8", "replace")


class ReportPage:
    """Renders the results of a run."""

    def __init__(self, language: Language) -> None:
        self._language = language
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["seconds"] = seconds
        environment.filters["label"] = label
        environment.filters["message"] = message
        environment.globals["states"] = STATES
        self._template = environment.get_template("report.html.j2")

    def render(self, run: int, results: Sequence[SuiteResults]) -> str:
        """Return the page."""
        cases = [case for suite in results for case in suite.report.cases]
        counts = sum((suite.report.counts for suite in results), TestCounts())
        budget = _Budget()
        sections = [_section(suite, budget, few=len(cases) <= _FEW_CASES) for suite in results]
        return self._template.render(
            run=run,
            language=self._language,
            counts=counts,
            unreadable=sum(len(suite.report.unreadable) for suite in results),
            sections=sections,
            slowest=_slowest(cases),
            about=next((suite.about for suite in results if suite.about), ""),
        )


@cache
def compiled(language: Language) -> ReportPage:
    """Return what renders pages in a language. The first call compiles the template, which takes a while."""
    return ReportPage(language)


class _Budget:
    """How much more may be put on the page."""

    def __init__(self) -> None:
        self.opened = 0
        self.texts = MOST_TEXTS
        self.rows = MOST_ROWS

    def open_one(self) -> bool:
        self.opened += 1
        return self.opened <= MOST_OPEN

    def text(self, given: str) -> str:
        shown = _ends(printable(given).strip("\n"))
        if len(shown) > self.texts:
            return ""
        self.texts -= len(shown)
        return shown

    def take_rows(self, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Return the tests that did not pass, and as many of the others as there is room for."""
        ordered = sorted(cases, key=lambda case: _ORDER[case.state])
        certain = sum(case.state is not CaseState.PASSED for case in cases)
        taken = tuple(ordered[: max(certain, self.rows)])
        self.rows = max(0, self.rows - len(taken))
        return taken


def _ends(text: str) -> str:
    """Return only the beginning and end of a text that is too long: the error is in one of them."""
    if len(text) <= MOST_TEXT:
        return text
    half = MOST_TEXT // 2
    return f"{text[:half]}\n… ({len(text) - MOST_TEXT}) …\n{text[-half:]}"


def label(name: str) -> str:
    """Return a hostile name on one line, short enough for a table."""
    return shortened(" ".join(printable(name).split()), _LONGEST_NAME)


def message(text: str) -> str:
    """Return the message of a failed test, shortened."""
    return shortened(printable(text).strip(), _LONGEST_MESSAGE)


def seconds(amount: float) -> str:
    """Return a duration in units that read the same in both languages, as the page is in both."""
    return duration(amount, Language.EN)


def _section(suite: SuiteResults, budget: _Budget, *, few: bool) -> Section:
    failed = [case for case in suite.report.cases if case.state in {CaseState.FAILED, CaseState.FLAKY}]
    failed.sort(key=lambda case: case.state is CaseState.FLAKY)
    shown = [_failure(case, budget) for case in failed[:MOST_FAILURES]]
    groups = _groups(suite.report.cases)
    return Section(
        name=suite.name,
        counts=suite.report.counts,
        failures=tuple(shown),
        failures_left_out=len(failed) - len(shown),
        groups=tuple(_group(name, cases, budget, few=few) for name, cases in groups[:MOST_GROUPS]),
        groups_left_out=max(0, len(groups) - MOST_GROUPS),
        truncated=suite.report.truncated,
        unreadable=suite.report.unreadable,
        pages=tuple((name, address(where, name)) for name, where in suite.pages if is_own_page(where)),
    )


def _failure(case: Case, budget: _Budget) -> FailedCase:
    opened = case.state is CaseState.FAILED and budget.open_one()
    return FailedCase(case, budget.text(case.details), budget.text(case.output), opened)


def _groups(cases: Iterable[Case]) -> list[tuple[str, list[Case]]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.suite, []).append(case)
    # Groups with failures first. Sorting is stable: the others keep the order of the files.
    return sorted(found.items(), key=lambda item: all(case.state is not CaseState.FAILED for case in item[1]))


def _group(name: str, cases: Sequence[Case], budget: _Budget, *, few: bool) -> Group:
    states = [case.state for case in cases]
    flaky = states.count(CaseState.FLAKY)
    counts = TestCounts(
        passed=states.count(CaseState.PASSED) + flaky,
        failed=states.count(CaseState.FAILED),
        skipped=states.count(CaseState.SKIPPED),
        flaky=flaky,
        seconds=sum(case.seconds for case in cases),
    )
    rows = budget.take_rows(cases)
    return Group(name, counts, rows, len(cases) - len(rows), few)


def _slowest(cases: Sequence[Case]) -> list[Case]:
    slow = [case for case in cases if case.seconds >= _SLOW_SECONDS]
    return sorted(slow, key=lambda case: -case.seconds)[:_SLOWEST]
