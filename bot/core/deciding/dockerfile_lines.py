"""Splits a Dockerfile into instructions: handles comments, continuations, here-documents and `escape`."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][\w-]*)\s*=(.*)", re.ASCII)
_WORD = re.compile(
    # As BuildKit splits a line for here-documents; it finds none where quotes or variables are malformed.
    r"""(?:[^\s"'\\$]|\\.|'[^']*'|"(?:[^"\\$]|\\.|VAR)*"|VAR)+""".replace(
        "VAR", r"""\$(?:\{[A-Za-z_]\w*(?::?[-+?][^\s"'\\${}]*)?\}|(?!\{))"""
    ),
    re.ASCII,
)
_HEREDOC = re.compile(r"""[0-9]*<<(-?)(["']?)([A-Za-z_][\w.]*)\2""", re.ASCII)
_HEREDOC_LIKE = re.compile(r"(?<!<)<<(-?)\s*([^\s<]+)")
_NOT_IN_NAMES = re.compile(r"""\$(?:\{[^${}]*\}|\w*)|["']""")
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
    clear: bool = True
    """False if it may open a here-document to some version of BuildKit, and not to another."""


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
        clear = True
        if "<<" in rest and _may_have_heredocs(keyword, rest):
            clear = ends.clear(index, rest)
            index = ends.after(index, _heredocs(rest))
        if keyword:
            yield Instruction(first + 1, keyword, rest.replace("\t", " ").strip(), clear)


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


def _may_have_heredocs(keyword: str, rest: str) -> bool:
    inner = upper((rest.split(maxsplit=1) or [""])[0])
    return (inner if keyword == "ONBUILD" else keyword) in _WITH_HEREDOC


def _heredocs(rest: str) -> list[tuple[str, str]]:
    """Return the dash and the name of each here-document that an instruction opens."""
    if _WORD.sub("", rest).strip():
        return []
    found = map(_HEREDOC.fullmatch, _WORD.findall(rest))
    return [(one[1], one[3]) for one in found if one]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


class _Ends:
    """Finds the ends of here-documents by an index, so that unclosed ones do not cost a pass each."""

    def __init__(self, lines: list[str]) -> None:
        self._lines: dict[tuple[str, str], list[int]] = {}
        for index, line in ((index, line) for index, line in enumerate(lines) if line):
            self._lines.setdefault(("", line), []).append(index)
            self._lines.setdefault(("-", line.lstrip("\t")), []).append(index)

    def clear(self, index: int, rest: str) -> bool:
        """Return whether all that looks like here-documents with an end is read as such."""
        like = [(dash, _NOT_IN_NAMES.sub("", name)) for dash, name in _HEREDOC_LIKE.findall(rest)]
        return self._ended(index, like) == self._ended(index, _heredocs(rest))

    def after(self, index: int, heredocs: list[tuple[str, str]]) -> int:
        """Return the index after these here-documents; unclosed ones do not count."""
        for found in heredocs:
            index = self._end(index, found) or index
        return index

    def _ended(self, index: int, heredocs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [found for found in heredocs if self._end(index, found)]

    def _end(self, index: int, heredoc: tuple[str, str]) -> int | None:
        """Return the index after the first end of a here-document; None if it is not closed."""
        ends = self._lines.get(heredoc, [])
        end = bisect_left(ends, index)
        return ends[end] + 1 if end < len(ends) else None
