"""Splits a Dockerfile into instructions: handles comments, continuations, here-documents and `escape`."""

import re
from bisect import bisect_left
from collections.abc import Iterator

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][\w-]*)\s*=(.*)", re.ASCII)
_HEREDOC = re.compile(r"""(?<!\S)[0-9]*<<(-?)(["']?)([A-Za-z_][\w.]*)\2(?![^\s;|&)<>])""", re.ASCII)
_WITH_HEREDOC = {"RUN", "COPY", "ADD"}


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction in upper case with the rest of its logical line, without here-documents."""
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    escape = _escape(lines)
    ends = _Ends(lines)
    index = 0
    while index < len(lines):
        logical, index = _logical_line(lines, index, escape)
        keyword, _, rest = logical.strip().partition(" ")
        if keyword.upper() in _WITH_HEREDOC:
            index = ends.after_heredocs(index, rest)
        if keyword:
            yield keyword.upper(), rest.strip()


def _escape(lines: list[str]) -> str:
    """Return the escape character; directives count only at the beginning of the file."""
    for line in lines:
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            break
        if found[1].lower() == "escape" and found[2].strip() in {"`", "\\"}:
            return found[2].strip()
    return "\\"


def _logical_line(lines: list[str], index: int, escape: str) -> tuple[str, int]:
    """Join a line with its continuation lines; comments and empty lines between them are skipped."""
    parts: list[str] = []
    while index < len(lines):
        line = lines[index]
        index += 1
        if _is_comment(line) or (parts and not line.strip()):
            continue
        stripped = line.rstrip()
        if not stripped.endswith(escape):
            parts.append(stripped)
            break
        parts.append(stripped[: -len(escape)])
    return " ".join("".join(parts).split("\t")), index


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
