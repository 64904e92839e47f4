"""Reads JUnit XML. The code under test wrote it, so every size is bounded and nothing is trusted.

The dialects that are read: https://github.com/testmoapp/junitxml and Surefire's reruns,
https://maven.apache.org/surefire/maven-surefire-plugin/examples/rerun-failing-tests.html
"""

from collections.abc import Mapping
from xml.parsers import expat

from bot.core.results.junit_cases import Cases
from bot.core.results.junit_text import well_formed
from bot.core.results.unreadable import UnreadableFileError
from bot.model.limits import LimitError
from bot.model.report import CaseState, Report

LARGEST_FILE = 20 << 20
LARGEST_SUM = 64 << 20
DEEPEST = 50

_ROOTS = {"testsuites", "testsuite"}


class _ForeignError(Exception):
    """XML of another kind, such as a coverage report."""


class _FullError(Exception):
    """No further case would be kept, whatever its result is."""


def read(files: Mapping[str, bytes]) -> Report:
    """Return the cases of all JUnit files, in order of their paths; other XML files are skipped.

    Small files are read first, so that a file which exhausts a limit takes no other cases along.
    Raises UnreadableFileError if a file is broken, hostile or too large, or if none is JUnit.
    """
    cases, order = Cases(), sorted(files, key=lambda path: (len(files[path]), path))
    found: dict[str, range] = {}
    unread: list[str] = []
    known = 0
    if sum(map(len, files.values())) > LARGEST_SUM:
        raise UnreadableFileError(min(files), f"reports of more than {LARGEST_SUM >> 20} MiB in all")
    for index, path in enumerate(order):
        begin = len(cases.kept)
        try:
            known += _is_read(path, files[path], cases)
        except (LimitError, MemoryError):
            unread = order[index:]
        found[path] = range(begin, len(cases.kept))
        if unread:
            break
    if files and not known and not unread:
        raise UnreadableFileError(min(files), "neither <testsuites> nor <testsuite>")
    kept = tuple(cases.kept[index] for path in sorted(found) for index in found[path])
    return Report(kept, truncated=cases.truncated or bool(unread), unread=tuple(sorted(unread)))


def failed_names(report: Report, limit: int = 50) -> tuple[str, ...]:
    """Return the first failed tests as `suite::name`, each once."""
    names = (f"{case.suite}::{case.name}" for case in report.cases if case.state is CaseState.FAILED)
    return tuple(dict.fromkeys(names))[:limit]


def _is_read(path: str, content: bytes, cases: Cases) -> bool:
    """Read one file. Returns False if it is not JUnit."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFileError(path, f"larger than {LARGEST_FILE >> 20} MiB")
    if not content.strip():
        raise UnreadableFileError(path, "empty")
    try:
        _Parser(path, cases).parse(content)
    except expat.ExpatError as error:
        message = f"line {error.lineno}: {expat.ErrorString(error.code)}"
        raise UnreadableFileError(path, message) from error
    except _ForeignError:
        return False
    except _FullError:
        return True
    return True


class _Parser:
    """Passes the elements of one file to the cases while it is parsed, without building a tree."""

    def __init__(self, path: str, cases: Cases) -> None:
        self._path = path
        self._cases = cases
        self._depth = 0
        # The encoding that `well_formed` writes counts, whatever a second declaration says.
        self._expat = expat.ParserCreate("utf-8")
        self._expat.buffer_text = True
        self._expat.StartDoctypeDeclHandler = self._doctype
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = cases.text

    def parse(self, content: bytes) -> None:
        """Parse the file. Raises expat.ExpatError, UnreadableFileError or _ForeignError."""
        self._cases.begin_file()
        self._expat.Parse(well_formed(content), True)  # noqa: FBT003 - expat takes it by position only

    def _doctype(self, name: str, *_: object) -> None:
        if _local(name) not in _ROOTS:
            raise _ForeignError
        raise UnreadableFileError(self._path, "a DTD is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._cases.full:
            raise _FullError
        self._depth += 1
        local = _local(name)
        if self._depth == 1 and local not in _ROOTS:
            raise _ForeignError
        if self._depth > DEEPEST:
            raise UnreadableFileError(self._path, f"nested deeper than {DEEPEST}")
        self._cases.start(local, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._cases.end(_local(name))


def _local(name: str) -> str:
    return name.rpartition(":")[2]
