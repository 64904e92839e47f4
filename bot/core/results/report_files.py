"""Reads test reports: JUnit, NUnit 3, xUnit and TRX.

The code under test wrote them, so every size is bounded and nothing is trusted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from xml.parsers import expat

from bot.core.results.cases import CaseReader, Cases, reruns_merged
from bot.core.results.dotnet_cases import NUNIT, TRX, XUNIT, DotnetCases
from bot.core.results.junit_cases import JUnitCases
from bot.core.results.unreadable import UnreadableFileError
from bot.core.results.xml_text import well_formed
from bot.model.limits import LimitError
from bot.model.report import Case, CaseState, Report, UnreadableFile
from bot.model.shortening import shortened

SUFFIXES = (".xml", ".trx")
"""Endings of the names of reports, in lower case."""
LARGEST_FILE = 20 << 20
LARGEST_SUM = 64 << 20
DEEPEST = 50
LONGEST_MESSAGE = 160
"""Characters of what a failed test says in a comment."""

_FORMATS: Final[Mapping[str, Callable[[Cases], CaseReader]]] = {
    "testsuites": JUnitCases,
    "testsuite": JUnitCases,
    "test-run": partial(DotnetCases, NUNIT),
    "assemblies": partial(DotnetCases, XUNIT),
    "TestRun": partial(DotnetCases, TRX),
}
"""By the root element."""


class _ForeignError(Exception):
    """XML of another kind, such as a coverage report."""


class _FullError(Exception):
    """No further case would be kept, whatever its result is."""


def read(files: Mapping[str, bytes], *, reruns: bool = False) -> Report:
    """Return the cases of all test reports, in order of their paths, and which files are none.

    Small files are read first, so that a file which exhausts a limit takes no other cases along. `reruns`
    says that the runner ended well, so that it repeated each test that failed and then passed in one file.
    """
    found = _Found(reruns)
    order = sorted(files, key=lambda path: (len(files[path]), path))
    for index, path in enumerate(order):
        try:
            found.add(path, files[path])
        except (LimitError, MemoryError):
            found.unread = order[index:]
            break
    return found.report()


def is_report(name: str) -> bool:
    """Whether a file may be a test report, by its name."""
    return name.lower().endswith(SUFFIXES)


def failed_names(report: Report, limit: int = 50) -> tuple[str, ...]:
    """Return the first failed tests as `suite::name`, each once."""
    names = (f"{case.suite}::{case.name}" for case in report.cases if case.state is CaseState.FAILED)
    return tuple(dict.fromkeys(names))[:limit]


def failure_messages(report: Report, limit: int = 3) -> dict[str, str]:
    """Return what the first failed tests say, by their names as in `failed_names`: a line of each."""
    found: dict[str, str] = {}
    for case in report.cases:
        name = f"{case.suite}::{case.name}"
        if case.state is not CaseState.FAILED or name in found:
            continue
        if len(found) == limit:
            break
        found[name] = shortened(_first_line(case.message) or _first_line(case.details), LONGEST_MESSAGE)
    return {name: text for name, text in found.items() if text}


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


@dataclass(slots=True)
class _Found:
    """What the files so far contain."""

    reruns: bool
    cases: Cases = field(default_factory=Cases)
    by_path: dict[str, list[Case]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    unreadable: list[UnreadableFile] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, path: str, content: bytes) -> None:
        """Read one file. Raises LimitError or MemoryError if it, or all together, exhaust a limit."""
        begin = len(self.cases.kept)
        try:
            self._read(path, content)
        except UnreadableFileError as error:
            self.unreadable.append(UnreadableFile(path, error.message))
        except _ForeignError:
            self.foreign.append(path)
        finally:
            kept = self.cases.kept[begin:]
            self.by_path[path] = reruns_merged(kept) if self.reruns else kept

    def report(self) -> Report:
        """Return all of it, in order of the paths."""
        failed = len(self.foreign) + len(self.unreadable)
        return Report(
            tuple(case for path in sorted(self.by_path) for case in self.by_path[path]),
            truncated=self.cases.truncated or bool(self.unread),
            unread=tuple(sorted(self.unread)),
            unreadable=tuple(sorted(self.unreadable, key=lambda file: file.path)),
            foreign=tuple(sorted(self.foreign)),
            unlisted=self.cases.unlisted,
            recognized=bool(self.cases.kept or self.unread) or len(self.by_path) > failed,
        )

    def _read(self, path: str, content: bytes) -> None:
        self.size += len(content)
        if len(content) > LARGEST_FILE:
            raise UnreadableFileError(path, f"larger than {LARGEST_FILE >> 20} MiB")
        if self.size > LARGEST_SUM:
            raise UnreadableFileError(path, f"beyond {LARGEST_SUM >> 20} MiB of reports in all")
        if not content.strip():
            raise UnreadableFileError(path, "empty")
        try:
            _Parser(path, self.cases).parse(content)
        except expat.ExpatError as error:
            message = f"line {error.lineno}: {expat.ErrorString(error.code)}"
            raise UnreadableFileError(path, message) from error
        except _FullError:
            return


class _Parser:
    """Passes the elements of one file to its reader while it is parsed, without building a tree."""

    def __init__(self, path: str, cases: Cases) -> None:
        self._path = path
        self._cases = cases
        self._depth = 0
        self._has_dtd = False
        self._reader: CaseReader | None = None
        # The encoding that `well_formed` writes counts, whatever a second declaration says.
        self._expat = expat.ParserCreate("utf-8")
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = self._doctype
        self._expat.EntityDeclHandler = self._entity
        self._expat.StartElementHandler = self._start

    def parse(self, content: bytes) -> None:
        """Parse the file. Raises expat.ExpatError, UnreadableFileError, LimitError or _ForeignError."""
        try:
            self._expat.Parse(well_formed(content), True)  # noqa: FBT003 - expat takes it by position only
        finally:
            if self._reader is not None:
                self._reader.finish()

    def _doctype(self, *_: object) -> None:
        """Let the root element decide: reports have no DTD, but other XML files often do."""
        self._has_dtd = True

    def _entity(self, *_: object) -> None:
        raise self._dtd_error()

    def _dtd_error(self) -> UnreadableFileError:
        return UnreadableFileError(self._path, "a DTD is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._cases.full:
            raise _FullError
        self._depth += 1
        local = _local(name)
        if self._reader is None:
            self._reader = self._reader_of(local)
        if self._depth > DEEPEST:
            raise UnreadableFileError(self._path, f"nested deeper than {DEEPEST}")
        self._cases.count_element()
        self._reader.start(local, attributes)

    def _reader_of(self, root: str) -> CaseReader:
        if root not in _FORMATS:
            raise _ForeignError
        if self._has_dtd:
            raise self._dtd_error()
        reader = _FORMATS[root](self._cases)
        self._expat.CharacterDataHandler = reader.text
        self._expat.EndElementHandler = lambda name: self._end(reader, name)
        return reader

    def _end(self, reader: CaseReader, name: str) -> None:
        self._depth -= 1
        reader.end(_local(name))


def _local(name: str) -> str:
    return name.rpartition(":")[2]
