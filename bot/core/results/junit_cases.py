"""Reads the cases of JUnit files.

The dialects that are read: https://github.com/testmoapp/junitxml and Surefire's reruns,
https://maven.apache.org/surefire/maven-surefire-plugin/examples/rerun-failing-tests.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.results.cases import LONGEST_MESSAGE, UNNAMED, Cases, block, line, seconds
from bot.model.report import Case, CaseState
from bot.model.run import TestCounts
from bot.model.shortening import without_middle

_FAILED = {"failure", "error"}
_FLAKY = {"flakyFailure", "flakyError", "rerunFailure", "rerunError"}
_OUTCOMES = _FAILED | _FLAKY | {"skipped"}
_OUTPUT = {"system-out", "system-err"}
_NOT_RUN = {"notrun", "skipped", "disabled", "suppressed", "ignored"}
_SUITES = {"testsuite", "testsuites"}
_HIGHEST_COUNT = 999_999


@dataclass(slots=True)
class _Outcome:
    """A child element of a test case that says how the case ended."""

    kind: str
    message: str
    chunks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A test case whose end tag has not been read yet."""

    attributes: Mapping[str, str]
    depth: int
    outcomes: list[_Outcome] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def closed(self, suite: str) -> Case:
        """Return the result of a case in this suite."""
        state = self.state
        chosen = next((found for found in self.outcomes if _explains(found.kind, state)), None)
        details = block(chosen.chunks) if chosen else ""
        message = (chosen.message.strip() or details.partition("\n")[0].strip()) if chosen else ""
        return Case(
            suite=line(self.attributes.get("classname", "")) or suite,
            name=line(self.attributes.get("name", "")) or UNNAMED,
            state=state,
            seconds=seconds(self.attributes.get("time", "")),
            message=without_middle(message, LONGEST_MESSAGE),
            details=details,
            output=block(self.output),
        )

    @property
    def state(self) -> CaseState:
        """How the case ended."""
        kinds = {found.kind for found in self.outcomes}
        if kinds & _FAILED:
            return CaseState.FAILED
        if kinds & _FLAKY:
            return CaseState.FLAKY
        words = {self.attributes.get(name, "").lower() for name in ("status", "result")}
        return CaseState.SKIPPED if kinds or words & _NOT_RUN else CaseState.PASSED


@dataclass(slots=True)
class _Suite:
    """A suite whose end tag has not been read yet; `listed` once it has a case."""

    name: str
    attributes: Mapping[str, str]
    listed: bool = False


class JUnitCases:
    """Implements CaseReader for JUnit."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._depth = 0
        self._suites: list[_Suite] = []
        self._case: _Open | None = None
        self._chunks: list[str] | None = None
        self._chunks_depth = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Process a start tag."""
        self._depth += 1
        if name in _SUITES:
            own = line(attributes.get("name", "")) if name == "testsuite" else ""
            self._suites.append(_Suite(own, attributes))
        elif name == "testcase" and self._case is None:
            self._open(attributes)
        elif name in _OUTCOMES and self._chunks is None:
            self._outcome(name, attributes)
        elif name in _OUTPUT and self._case is not None and self._chunks is None:
            self._collect(self._case.output)

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self._chunks is not None and self._depth == self._chunks_depth:
            self._chunks = None
        if self._case is not None and self._depth == self._case.depth:
            case, suite = self._case, self._suite()
            self._cases.keep(case.state, lambda: case.closed(suite))
            self._case = None
        if name in _SUITES:
            self._close_suite(self._suites.pop())
        self._depth -= 1

    def text(self, text: str) -> None:
        """Process text of the innermost element."""
        if self._chunks is not None:
            self._chunks.append(text)

    def finish(self) -> None:
        """Do nothing: each case is complete at its end tag."""

    def _suite(self) -> str:
        return next((suite.name for suite in reversed(self._suites) if suite.name), UNNAMED)

    def _open(self, attributes: Mapping[str, str]) -> None:
        self._case = _Open(attributes, self._depth)
        self._suites[-1].listed = True

    def _outcome(self, kind: str, attributes: Mapping[str, str]) -> None:
        """Record how the open case ended. A suite that failed as a whole counts as one failed case."""
        if self._case is None and kind in _FAILED:
            self._open({"name": self._suite()})
        if self._case is not None:
            outcome = _Outcome(kind, attributes.get("message", ""))
            self._case.outcomes.append(outcome)
            self._collect(outcome.chunks)

    def _collect(self, chunks: list[str]) -> None:
        self._chunks = chunks
        self._chunks_depth = self._depth

    def _close_suite(self, suite: _Suite) -> None:
        """Take the totals of a suite that lists no case, nor any suite with one."""
        if not suite.listed and self._case is None:
            counts = _totals(suite.attributes)
            self._cases.unlisted += counts
            suite.listed = counts.total > 0
        if suite.listed and self._suites:
            self._suites[-1].listed = True


def _totals(attributes: Mapping[str, str]) -> TestCounts:
    """Return what a suite's attributes say about its cases."""
    failed = _sum(attributes, "failures", "errors")
    skipped = _sum(attributes, "skipped", "disabled")
    passed = max(0, _sum(attributes, "tests") - failed - skipped)
    taken = seconds(attributes.get("time", "")) if passed + failed + skipped else 0.0
    return TestCounts(passed, failed, skipped, seconds=taken)


def _sum(attributes: Mapping[str, str], *names: str) -> int:
    return sum(map(_count, (attributes.get(name, "").strip() for name in names)))


def _count(text: str) -> int:
    return min(int(text), _HIGHEST_COUNT) if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) else 0


def _explains(kind: str, state: CaseState) -> bool:
    """Whether an outcome of this kind determines the state."""
    if state is CaseState.FAILED:
        return kind in _FAILED
    return kind in _FLAKY if state is CaseState.FLAKY else True
