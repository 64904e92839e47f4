"""Collects test cases from a stream of JUnit elements, within bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.model.report import Case, CaseState

MOST_CASES = 20_000
MOST_FAILURES_BEYOND = 1_000
"""Failed cases that are kept beyond `MOST_CASES`, so that many passed tests cannot hide a failure."""
LONGEST_NAME = 500
LONGEST_MESSAGE = 4_000
LONGEST_TEXT = 16_000
LONGEST_TIME = 10_000_000.0
"""Longest plausible duration, in seconds."""

_FAILED = {"failure", "error"}
_FLAKY = {"flakyFailure", "flakyError", "rerunFailure", "rerunError"}
_OUTCOMES = _FAILED | _FLAKY | {"skipped"}
_OUTPUT = {"system-out", "system-err"}
_NOT_RUN = {"notrun", "skipped", "disabled", "suppressed", "ignored"}
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLANK_BEGINNING = re.compile(r"\A(?:[^\S\n]*\n)+")
_UNNAMED = "(unnamed)"


@dataclass(slots=True)
class _Outcome:
    """A child element of a test case that says how the case ended."""

    kind: str
    message: str
    chunks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """A test case whose end tag has not been read yet."""

    suite: str
    name: str
    seconds: float
    not_run: bool
    depth: int
    outcomes: list[_Outcome] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def closed(self) -> Case:
        """Return the result of the case."""
        state = self._state()
        chosen = next((found for found in self.outcomes if _explains(found.kind, state)), None)
        details = _cut(_without_blank_ends("".join(chosen.chunks)), LONGEST_TEXT) if chosen else ""
        message = (chosen.message.strip() or details.partition("\n")[0].strip()) if chosen else ""
        return Case(
            suite=self.suite,
            name=self.name,
            state=state,
            seconds=self.seconds,
            message=_cut(message, LONGEST_MESSAGE),
            details=details,
            output=_cut(_without_blank_ends("".join(self.output)), LONGEST_TEXT),
        )

    def _state(self) -> CaseState:
        kinds = {found.kind for found in self.outcomes}
        if kinds & _FAILED:
            return CaseState.FAILED
        if kinds & _FLAKY:
            return CaseState.FLAKY
        return CaseState.SKIPPED if kinds or self.not_run else CaseState.PASSED


class Cases:
    """All cases so far. Its methods are called for every element in document order."""

    def __init__(self) -> None:
        self.kept: list[Case] = []
        self.truncated = False
        self._beyond = 0
        self.begin_file()

    def begin_file(self) -> None:
        """Discard elements that an earlier file has left open."""
        self._depth = 0
        self._suites: list[str] = []
        self._case: _Open | None = None
        self._chunks: list[str] | None = None
        self._chunks_depth = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Process a start tag."""
        self._depth += 1
        if name == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif name == "testcase" and self._case is None:
            self._case = self._opened(attributes)
        elif name in _OUTCOMES and self._chunks is None:
            self._outcome(name, attributes)
        elif name in _OUTPUT and self._case is not None and self._chunks is None:
            self._collect(self._case.output)

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self._chunks is not None and self._depth == self._chunks_depth:
            self._chunks = None
        if self._case is not None and self._depth == self._case.depth:
            self._keep(self._case.closed())
            self._case = None
        if name == "testsuite":
            self._suites.pop()
        self._depth -= 1

    def text(self, text: str) -> None:
        """Process text of the innermost element."""
        if self._chunks is not None:
            self._chunks.append(text)

    def _opened(self, attributes: Mapping[str, str]) -> _Open:
        state = {attributes.get("status", "").lower(), attributes.get("result", "").lower()}
        return _Open(
            suite=_name(attributes.get("classname", "")) or self._suite(),
            name=_name(attributes.get("name", "")) or _UNNAMED,
            seconds=seconds(attributes.get("time", "")),
            not_run=bool(state & _NOT_RUN),
            depth=self._depth,
        )

    def _suite(self) -> str:
        return next((found for found in map(_name, reversed(self._suites)) if found), _UNNAMED)

    def _outcome(self, kind: str, attributes: Mapping[str, str]) -> None:
        """Record how the open case ended. A suite that failed as a whole counts as one failed case."""
        if self._case is None and kind in _FAILED:
            self._case = _Open(self._suite(), self._suite(), 0.0, not_run=False, depth=self._depth)
        if self._case is not None:
            outcome = _Outcome(kind, attributes.get("message", ""))
            self._case.outcomes.append(outcome)
            self._collect(outcome.chunks)

    def _collect(self, chunks: list[str]) -> None:
        self._chunks = chunks
        self._chunks_depth = self._depth

    def _keep(self, case: Case) -> None:
        if len(self.kept) - self._beyond < MOST_CASES:
            self.kept.append(case)
            return
        self.truncated = True
        if case.state is CaseState.FAILED and self._beyond < MOST_FAILURES_BEYOND:
            self._beyond += 1
            self.kept.append(case)


def seconds(text: str) -> float:
    """Read a duration as tools write it, also `1,234.5` and `0,5`; anything else counts as 0."""
    head, comma, tail = text.strip().rpartition(",")
    decimal_comma = comma and "." not in text and "," not in head and len(tail) != 3  # noqa: PLR2004 - thousands
    try:
        value = float(f"{head}.{tail}" if decimal_comma else text.replace(",", ""))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and 0 <= value <= LONGEST_TIME else 0.0


def _explains(kind: str, state: CaseState) -> bool:
    """Whether an outcome of this kind determines the state."""
    if state is CaseState.FAILED:
        return kind in _FAILED
    return kind in _FLAKY if state is CaseState.FLAKY else True


def _name(text: str) -> str:
    """Return a name on one line of bounded length."""
    return _cut(_SPACE.sub(" ", text).strip(), LONGEST_NAME)


def _without_blank_ends(text: str) -> str:
    """Remove blank lines around a text. The first line keeps its indentation, so that code stays aligned."""
    return _BLANK_BEGINNING.sub("", text.rstrip())


def _cut(text: str, limit: int) -> str:
    """Cut the middle out of a long text: the ends of a trace are most informative."""
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
