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
    place = 0
    while place < len(lines):
        logical, place = _logical_line(lines, place, escape)
        keyword, _, rest = logical.strip().partition(" ")
        if keyword.upper() in _WITH_HEREDOC:
            place = ends.after_heredocs(place, rest)
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


def _logical_line(lines: list[str], place: int, escape: str) -> tuple[str, int]:
    """Join a line with its continuation lines; comments and empty lines between them are skipped."""
    parts: list[str] = []
    while place < len(lines):
        line = lines[place]
        place += 1
        if _is_comment(line) or (parts and not line.strip()):
            continue
        stripped = line.rstrip()
        if not stripped.endswith(escape):
            parts.append(stripped)
            break
        parts.append(stripped[: -len(escape)])
    return " ".join("".join(parts).split("\t")), place


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


class _Ends:
    """Finds the ends of here-documents by an index, so that unclosed ones do not cost a pass each."""

    def __init__(self, lines: list[str]) -> None:
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, line in enumerate(lines):
            self._places.setdefault(("", line), []).append(place)
            self._places.setdefault(("-", line.lstrip("\t")), []).append(place)

    def after_heredocs(self, place: int, rest: str) -> int:
        """Return the place after the here-documents that an instruction opens; unclosed ones do not count."""
        for dash, _, word in _HEREDOC.findall(rest):
            ends = self._places.get((dash, word), [])
            index = bisect_left(ends, place)
            place = ends[index] + 1 if index < len(ends) else place
        return place
