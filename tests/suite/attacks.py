"""Counts attacks: each test with the marker `attack` is one attempt; a passing test is one that held."""

from collections.abc import Iterable, Iterator

import pytest

MARKER = "attack"
FOLDER = "attack"
"""Everything in this folder of tests/ has the marker; elsewhere, tests take it by name."""


def mark(items: Iterable[pytest.Item]) -> None:
    """Give the marker to every test of the folder."""
    for item in items:
        if item.path.parent.name == FOLDER:
            item.add_marker(MARKER)


def summary(terminal: pytest.TerminalReporter) -> Iterator[str]:
    """Return the line with the number of attempts, and a line for each that did not hold."""
    tried = {report.nodeid for report in _reports(terminal, "passed", "failed", "error")}
    broke = {report.nodeid for report in _reports(terminal, "failed", "error")}
    if tried:
        yield f"attacks: {len(tried)} tried, {len(tried - broke)} held"
    yield from (f"broke: {name}" for name in sorted(broke))


def _reports(terminal: pytest.TerminalReporter, *outcomes: str) -> Iterator[pytest.TestReport]:
    for outcome in outcomes:
        for report in terminal.stats.get(outcome, ()):
            if isinstance(report, pytest.TestReport) and MARKER in report.keywords:
                yield report
