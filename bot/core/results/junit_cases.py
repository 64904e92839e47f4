"""Collects test cases from a stream of JUnit elements, within bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.model.limits import LimitError
from bot.model.report import Case, CaseState
from bot.model.shortening import without_middle

MOST_CASES = 20_000
MOST_FAILURES_BEYOND = 1_000
"""Failed cases that are kept beyond `MOST_CASES`, so that many passed tests cannot hide a failure."""
MOST_ELEMENTS = 1_000_000
"""Elements of all files that are read; far fewer bytes than the largest file can hold more."""
MOST_TEXT = 16 << 20
"""Characters of details and output of all cases that are kept."""
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

    attributes: Mapping[str, str]
    depth: int
    outcomes: list[_Outcome] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def closed(self, suite: str) -> Case:
        """Return the result of a case in this suite."""
        state = self.state
        chosen = next((found for found in self.outcomes if _explains(found.kind, state)), None)
        details = without_middle(_without_blank_ends("".join(chosen.chunks)), LONGEST_TEXT) if chosen else ""
        message = (chosen.message.strip() or details.partition("\n")[0].strip()) if chosen else ""
        return Case(
            suite=_name(self.attributes.get("classname", "")) or suite,
            name=_name(self.attributes.get("name", "")) or _UNNAMED,
            state=state,
            seconds=seconds(self.attributes.get("time", "")),
            message=without_middle(message, LONGEST_MESSAGE),
            details=details,
            output=without_middle(_without_blank_ends("".join(self.output)), LONGEST_TEXT),
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


class Cases:
    """All cases so far. Its methods are called for every element in document order."""

    def __init__(self) -> None:
        self.kept: list[Case] = []
        self.truncated = False
        self._beyond = 0
        self._elements = 0
        self._text = 0
        self.begin_file()

    @property
    def full(self) -> bool:
        """Whether no further case is kept, not even a failed one."""
        return self._beyond >= MOST_FAILURES_BEYOND

    def begin_file(self) -> None:
        """Discard elements that an earlier file has left open."""
        self._depth = 0
        self._suites: list[str] = []
        self._case: _Open | None = None
        self._chunks: list[str] | None = None
        self._chunks_depth = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Process a start tag. Raises LimitError for one element too many."""
        self._depth += 1
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise LimitError
        if name == "testsuite":
            self._suites.append(_name(attributes.get("name", "")))
        elif name == "testcase" and self._case is None:
            self._case = _Open(attributes, self._depth)
        elif name in _OUTCOMES and self._chunks is None:
            self._outcome(name, attributes)
        elif name in _OUTPUT and self._case is not None and self._chunks is None:
            self._collect(self._case.output)

    def end(self, name: str) -> None:
        """Process an end tag."""
        if self._chunks is not None and self._depth == self._chunks_depth:
            self._chunks = None
        if self._case is not None and self._depth == self._case.depth:
            self._close(self._case)
            self._case = None
        if name == "testsuite":
            self._suites.pop()
        self._depth -= 1

    def text(self, text: str) -> None:
        """Process text of the innermost element."""
        if self._chunks is not None:
            self._chunks.append(text)

    def _suite(self) -> str:
        return next(filter(None, reversed(self._suites)), _UNNAMED)

    def _outcome(self, kind: str, attributes: Mapping[str, str]) -> None:
        """Record how the open case ended. A suite that failed as a whole counts as one failed case."""
        if self._case is None and kind in _FAILED:
            self._case = _Open({"name": self._suite()}, self._depth)
        if self._case is not None:
            outcome = _Outcome(kind, attributes.get("message", ""))
            self._case.outcomes.append(outcome)
            self._collect(outcome.chunks)

    def _collect(self, chunks: list[str]) -> None:
        self._chunks = chunks
        self._chunks_depth = self._depth

    def _close(self, opened: _Open) -> None:
        """Keep a case if there is room; only then it is worth the time to read its names and texts."""
        if len(self.kept) - self._beyond >= MOST_CASES:
            self.truncated = True
            if self.full or opened.state is not CaseState.FAILED:
                return
            self._beyond += 1
        case = opened.closed(self._suite())
        self._text += len(case.details) + len(case.output)
        if self._text > MOST_TEXT:
            self.truncated = True
            case = replace(case, details="", output="")
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
    return without_middle(_SPACE.sub(" ", text).strip(), LONGEST_NAME)


def _without_blank_ends(text: str) -> str:
    """Remove blank lines around a text. The first line keeps its indentation, so that code stays aligned."""
    return _BLANK_BEGINNING.sub("", text.rstrip())
