"""Reads the cases of NUnit 3, xUnit and TRX files, each described by a `Format`.

https://docs.nunit.org/articles/nunit/technical-notes/usage/Test-Result-XML-Format.html
https://xunit.net/docs/format-xml-v2
https://github.com/microsoft/vstest/blob/main/docs/report.md (TRX)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from bot.core.results import cases
from bot.core.results.cases import LONGEST_MESSAGE, UNNAMED, Cases, block, line
from bot.model.report import Case, CaseState
from bot.model.shortening import without_middle

Attributes = Mapping[str, str]


class _Text(Enum):
    """What an element's text is for the case around it."""

    MESSAGE = auto()
    DETAILS = auto()
    OUTPUT = auto()


@dataclass(frozen=True, slots=True)
class Format:
    """Which elements are cases, and what they say."""

    state: Callable[[str, Attributes], CaseState | None]
    """How an element ended; None for elements that are no cases."""
    names: Callable[[Attributes], tuple[str, str]]
    """Its suite, empty if unknown, and its own name."""
    seconds: Callable[[Attributes], float]
    texts: Mapping[tuple[str, ...], _Text]
    """Elements with text, by their path within the case."""
    class_of: tuple[str, str, str] = ("", "", "")
    """The attribute by which a case is found again, the element that has it as `id`, and the one within it
    that names the class; empty for formats whose cases name their classes themselves."""


@dataclass(slots=True)
class _Open:
    """A case whose end tag has not been read yet."""

    attributes: Attributes
    state: CaseState
    depth: int
    texts: Mapping[_Text, list[str]] = field(default_factory=lambda: {kind: [] for kind in _Text})
    inner: set[CaseState] = field(default_factory=set)
    """How the cases within it ended."""

    @property
    def counts(self) -> bool:
        """Whether it is a case of its own: one that only sums up the cases within it is not."""
        failed = CaseState.FAILED
        return not self.inner or (self.state is failed and failed not in self.inner)

    def closed(self, format_: Format) -> Case:
        """Return its result."""
        suite, name = format_.names(self.attributes)
        suite = line(suite)
        details = block(self.texts[_Text.DETAILS])
        message = "".join(self.texts[_Text.MESSAGE]).strip() or details.partition("\n")[0].strip()
        return Case(
            suite=suite or UNNAMED,
            name=line(name).removeprefix(f"{suite}.") or UNNAMED,
            state=self.state,
            seconds=format_.seconds(self.attributes),
            message=without_middle(message, LONGEST_MESSAGE),
            details=details,
            output=block(self.texts[_Text.OUTPUT]),
        )


class DotnetCases:
    """Implements CaseReader for one format."""

    def __init__(self, format_: Format, kept: Cases) -> None:
        self._format = format_
        self._cases = kept
        self._path: list[str] = []
        self._open: list[_Open] = []
        self._chunks: list[str] | None = None
        self._chunks_depth = 0
        self._classes = _Classes(format_, kept)

    def start(self, name: str, attributes: Attributes) -> None:
        """Process a start tag."""
        self._path.append(name)
        self._classes.start(name, attributes)
        if self._chunks is not None:
            return
        state = self._format.state(name, attributes)
        if state is not None:
            self._open.append(_Open(attributes, state, len(self._path)))
        elif self._open:
            within = tuple(self._path[self._open[-1].depth :])
            if kind := self._format.texts.get(within):
                self._chunks = self._open[-1].texts[kind]
                self._chunks_depth = len(self._path)

    def end(self, name: str) -> None:
        """Process an end tag."""
        del name
        depth = len(self._path)
        if self._chunks is not None and depth == self._chunks_depth:
            self._chunks = None
        if self._open and self._open[-1].depth == depth:
            self._close(self._open.pop())
        self._path.pop()

    def text(self, text: str) -> None:
        """Process text of the innermost element."""
        if self._chunks is not None:
            self._chunks.append(text)

    def finish(self) -> None:
        """Give the cases their classes, which some formats list apart from them."""
        self._classes.apply()

    def _close(self, case: _Open) -> None:
        if self._open:
            self._open[-1].inner |= case.inner | {case.state}
        if case.counts and self._cases.keep(case.state, lambda: case.closed(self._format)):
            self._classes.remember(case.attributes)


class _Classes:
    """The classes of cases, for a format that lists them apart: before the cases, or after them."""

    def __init__(self, format_: Format, kept: Cases) -> None:
        self._attribute, self._element, self._named = format_.class_of
        self._cases = kept
        self._ids: dict[int, str] = {}
        """By the position of a kept case."""
        self._found: dict[str, str] = {}
        self._id = ""

    def start(self, name: str, attributes: Attributes) -> None:
        """Process a start tag."""
        if name == self._element:
            self._id = line(attributes.get("id", ""))
        elif name == self._named and len(self._found) < cases.MOST_CASES:
            # Old writers append the assembly: `Shop.CartTests, Shop, Version=1.0.0.0`.
            self._found.setdefault(self._id, line(attributes.get("className", "").partition(",")[0]))

    def remember(self, attributes: Attributes) -> None:
        """Remember by what the case that was kept last is found again."""
        if self._attribute:
            self._ids[len(self._cases.kept) - 1] = line(attributes.get(self._attribute, ""))

    def apply(self) -> None:
        """Name the class of each case where it is known."""
        for index, id_ in self._ids.items():
            if suite := self._found.get(id_):
                self._cases.name_suite(index, suite)


def _nunit_state(name: str, attributes: Attributes) -> CaseState | None:
    """Take a suite whose own set-up or tear-down failed for a case, too."""
    result = attributes.get("result", "")
    if name == "test-suite":
        own = attributes.get("site") in {"SetUp", "TearDown"}
        return CaseState.FAILED if own and result == "Failed" else None
    return _NUNIT_STATES.get(result, CaseState.FAILED) if name == "test-case" else None


def _nunit_names(attributes: Attributes) -> tuple[str, str]:
    full, name = attributes.get("fullname", ""), attributes.get("name", "")
    return attributes.get("classname") or full.removesuffix(name).rstrip(".") or full, name


def _xunit_state(name: str, attributes: Attributes) -> CaseState | None:
    if name == "error":
        return CaseState.FAILED
    return _XUNIT_STATES.get(attributes.get("result", ""), CaseState.FAILED) if name == "test" else None


def _trx_state(name: str, attributes: Attributes) -> CaseState | None:
    """Take an error of the whole run, such as a crash of the host, for a case, too."""
    outcome = attributes.get("outcome", "")
    if name == "RunInfo":
        return CaseState.FAILED if outcome == "Error" else None
    return _TRX_STATES.get(outcome, CaseState.FAILED) if name == "UnitTestResult" else None


def _clock(text: str) -> float:
    """Read `[days.]hours:minutes:seconds`; anything else counts as 0."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return 0.0
    days, hours, minutes = (int(part or 0) for part in found.groups()[:3])
    return cases.plausible(((days * 24 + hours) * 60 + minutes) * 60 + float(found[4]))


_CLOCK: Final = re.compile(
    r"(?:([0-9]{1,6})\.)?([0-9]{1,6}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{1,9})?)", re.ASCII
)
_NUNIT_STATES: Final = {
    "Passed": CaseState.PASSED,
    "Warning": CaseState.PASSED,
    "Skipped": CaseState.SKIPPED,
    "Inconclusive": CaseState.SKIPPED,
}
"""Everything else failed, as in the tables below."""
_XUNIT_STATES: Final = {
    "Pass": CaseState.PASSED,
    "Skip": CaseState.SKIPPED,
    "NotRun": CaseState.SKIPPED,
}
_TRX_STATES: Final = {
    "Passed": CaseState.PASSED,
    "Completed": CaseState.PASSED,
    "Warning": CaseState.PASSED,
    "NotExecuted": CaseState.SKIPPED,
    "Inconclusive": CaseState.SKIPPED,
    "Pending": CaseState.SKIPPED,
}

NUNIT: Final = Format(
    state=_nunit_state,
    names=_nunit_names,
    seconds=lambda attributes: cases.seconds(attributes.get("duration", "")),
    texts={
        ("failure", "message"): _Text.MESSAGE,
        ("failure", "stack-trace"): _Text.DETAILS,
        ("reason", "message"): _Text.MESSAGE,
        ("output",): _Text.OUTPUT,
    },
)
XUNIT: Final = Format(
    state=_xunit_state,
    names=lambda attributes: (attributes.get("type", ""), attributes.get("name", "")),
    seconds=lambda attributes: cases.seconds(attributes.get("time", "")),
    texts={
        ("failure", "message"): _Text.MESSAGE,
        ("failure", "stack-trace"): _Text.DETAILS,
        ("reason",): _Text.MESSAGE,
        ("output",): _Text.OUTPUT,
    },
)
TRX: Final = Format(
    state=_trx_state,
    names=lambda attributes: ("", attributes.get("testName", "")),
    seconds=lambda attributes: _clock(attributes.get("duration", "")),
    texts={
        ("Output", "ErrorInfo", "Message"): _Text.MESSAGE,
        ("Output", "ErrorInfo", "StackTrace"): _Text.DETAILS,
        ("Output", "StdOut"): _Text.OUTPUT,
        ("Output", "StdErr"): _Text.OUTPUT,
        ("Text",): _Text.MESSAGE,
    },
    class_of=("testId", "UnitTest", "TestMethod"),
)
