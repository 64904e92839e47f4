"""Splits a Dockerfile into instructions: handles comments, continuations, here-documents and `escape`."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][\w-]*)\s*=(.*)", re.ASCII)
_HEREDOC = re.compile(r"""(?<!\S)[0-9]*<<(-?)(["']?)([A-Za-z_][\w.]*)\2(?![^\s;|&)<>])""", re.ASCII)
_WITH_HEREDOC = {"RUN", "COPY", "ADD"}
_KEYWORD_END = re.compile(r"[\t\v\f\r ]+")
_GO_LETTERS = str.maketrans({"\u0130": "I"})
"""Go's lower case of this letter is `i`, so that BuildKit reads `ONBU\u0130LD` as an instruction."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a version of BuildKit reads a file; versions differ in these points."""

    escape: str | None = None
    """The escape character; None for the one that the file's directive names."""
    heredocs: bool = True
    """Whether here-documents are read as such: frontends before 1.4 take their lines for instructions."""
    doubled: bool = True
    """Whether a doubled escape character at the end of a line continues it: frontends before 1.10."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: the line that it begins on, its keyword in upper case, and its arguments."""

    line: int
    keyword: str
    rest: str


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction in upper case with the rest of its logical line, without here-documents."""
    return ((found.keyword, found.rest) for found in read(text, Reading()))


def readings(text: str) -> list[Reading]:
    """Return every way in which some version of BuildKit may read this file; nearly always one."""
    lines = _lines(text)
    escapes = {_escape(lines), "\\"}
    if any((found := _DIRECTIVE.match(line)) and found[2].strip() == "`" for line in lines):
        escapes.add("`")
    doubled = any(line.rstrip(" \t").endswith(("\\\\", "``")) for line in lines)
    return [
        Reading(*found) for found in product(sorted(escapes), {True, "<<" not in text}, {True, not doubled})
    ]


def read(text: str, reading: Reading) -> Iterator[Instruction]:
    """Yield the instructions as one version of BuildKit reads them."""
    lines = _lines(text)
    escape = reading.escape or _escape(lines)
    ends = _Ends(lines if reading.heredocs else [])
    index = 0
    while index < len(lines):
        first = index
        logical, index = _logical_line(lines, index, escape, doubled=reading.doubled)
        keyword, rest = (*_KEYWORD_END.split(logical.strip(), maxsplit=1), "")[:2]
        keyword = upper(keyword)
        if keyword in _WITH_HEREDOC:
            index = ends.after_heredocs(index, rest)
        if keyword:
            yield Instruction(first + 1, keyword, rest.replace("\t", " ").strip())


def upper(keyword: str) -> str:
    """Return a keyword in upper case, as BuildKit compares it."""
    return keyword.translate(_GO_LETTERS).upper()


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _escape(lines: list[str]) -> str:
    """Return the escape character; directives count only at the beginning of the file."""
    for line in lines:
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            break
        if found[1].lower() == "escape" and found[2].strip() in {"`", "\\"}:
            return found[2].strip()
    return "\\"


def _logical_line(lines: list[str], index: int, escape: str, *, doubled: bool) -> tuple[str, int]:
    """Join a line with its continuation lines; comments and empty lines between them are skipped."""
    parts: list[str] = []
    while index < len(lines):
        line = lines[index]
        index += 1
        if _is_comment(line) or (parts and not line.strip()):
            continue
        stripped = line.rstrip(" \t")
        if not stripped.endswith(escape) or (stripped.endswith(escape * 2) and not doubled):
            parts.append(stripped)
            break
        parts.append(stripped[: -len(escape)])
    return "".join(parts), index


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


class _Ends:
    """Finds the ends of here-documents by an index, so that unclosed ones do not cost a pass each."""

    def __init__(self, lines: list[str]) -> None:
        self._lines: dict[tuple[str, str], list[int]] = {}
        for index, line in ((index, line) for index, line in enumerate(lines) if line):
            self._lines.setdefault(("", line), []).append(index)
            self._lines.setdefault(("-", line.lstrip("\t")), []).append(index)

    def after_heredocs(self, index: int, rest: str) -> int:
        """Return the index after the here-documents that an instruction opens; unclosed ones do not count."""
        for dash, _, word in _HEREDOC.findall(rest):
            ends = self._lines.get((dash, word), [])
            end = bisect_left(ends, index)
            index = ends[end] + 1 if end < len(ends) else index
        return index
