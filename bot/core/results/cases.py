"""Keeps the cases that the readers of test reports find, within the limits of all files of a suite."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from bot.model.limits import LimitError
from bot.model.report import Case, CaseState
from bot.model.run import TestCounts
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
UNNAMED = "(unnamed)"

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BLANK_BEGINNING = re.compile(r"\A(?:[^\S\n]*\n)+")


class CaseReader(Protocol):
    """Reads one file of one format: the elements arrive in document order, without a tree."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Process a start tag."""
        ...

    def end(self, name: str) -> None:
        """Process an end tag."""
        ...

    def text(self, text: str) -> None:
        """Process text of the innermost element."""
        ...

    def finish(self) -> None:
        """Complete the cases of the file, also if it broke off."""
        ...


class Cases:
    """All cases so far."""

    def __init__(self) -> None:
        self.kept: list[Case] = []
        self.truncated = False
        self.unlisted = TestCounts()
        self._beyond = 0
        self._elements = 0
        self._text = 0

    @property
    def full(self) -> bool:
        """Whether no further case is kept, not even a failed one."""
        return self._beyond >= MOST_FAILURES_BEYOND

    def count_element(self) -> None:
        """Count an element. Raises LimitError for one too many."""
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise LimitError

    def keep(self, state: CaseState, case: Callable[[], Case]) -> bool:
        """Keep a case if there is room; only then it is worth the time to read its names and texts."""
        if len(self.kept) - self._beyond >= MOST_CASES:
            self.truncated = True
            if self.full or state is not CaseState.FAILED:
                return False
            self._beyond += 1
        made = case()
        self._text += len(made.details) + len(made.output)
        if self._text > MOST_TEXT:
            self.truncated = True
            made = replace(made, details="", output="")
        self.kept.append(made)
        return True

    def name_suite(self, index: int, suite: str) -> None:
        """Name the suite of a kept case, and take it off the front of the case's own name."""
        case = self.kept[index]
        name = case.name.removeprefix(f"{suite}.") or case.name
        self.kept[index] = replace(case, suite=suite, name=name)


def reruns_merged(cases: list[Case]) -> list[Case]:
    """Return the cases of one file where each that failed and passed later is one flaky case."""
    recovered = _recovered(cases)
    merged: list[Case] = []
    open_at: dict[tuple[str, str], int] = {}
    for index, case in enumerate(cases):
        key = (case.suite, case.name)
        at = open_at.get(key)
        if index in recovered and at is None:
            open_at[key] = len(merged)
            merged.append(replace(case, state=CaseState.FLAKY))
        elif at is not None and case.state is not CaseState.SKIPPED:
            merged[at] = replace(merged[at], seconds=merged[at].seconds + case.seconds)
            if case.state is not CaseState.FAILED:
                del open_at[key]
        else:
            merged.append(case)
    return merged


def _recovered(cases: list[Case]) -> set[int]:
    """Return the positions of failed cases that a passed one with the same name follows."""
    passed: set[tuple[str, str]] = set()
    found: set[int] = set()
    for index in range(len(cases) - 1, -1, -1):
        case = cases[index]
        if case.state in {CaseState.PASSED, CaseState.FLAKY}:
            passed.add((case.suite, case.name))
        elif case.state is CaseState.FAILED and (case.suite, case.name) in passed:
            found.add(index)
    return found


def seconds(text: str) -> float:
    """Read a duration as tools write it, also `1,234.5` and `0,5`; anything else counts as 0."""
    head, comma, tail = text.strip().rpartition(",")
    decimal_comma = comma and "." not in text and "," not in head and len(tail) != 3  # noqa: PLR2004 - thousands
    try:
        return plausible(float(f"{head}.{tail}" if decimal_comma else text.replace(",", "")))
    except ValueError:
        return 0.0


def plausible(duration: float) -> float:
    """Return a duration, or 0 for one that no test takes."""
    return duration if math.isfinite(duration) and 0 <= duration <= LONGEST_TIME else 0.0


def line(text: str) -> str:
    """Return a name on one line of bounded length."""
    return without_middle(_SPACE.sub(" ", text).strip(), LONGEST_NAME)


def block(chunks: list[str]) -> str:
    """Join a text of bounded length, without the blank lines around it.

    The first line keeps its indentation, so that code stays aligned.
    """
    return without_middle(_BLANK_BEGINNING.sub("", "".join(chunks).rstrip()), LONGEST_TEXT)
