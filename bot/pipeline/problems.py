"""The problems of a file, as they are reported: with their places, and the lines that have them."""

from collections.abc import Iterable

from bot.model.shortening import shortened
from bot.model.text import Text, counted
from bot.model.views import ConfigBroken, ConfigProblem
from bot.pipeline import full_width
from bot.pipeline.decoding import MAX_BYTES
from bot.pipeline.yaml_tree import Mark, Path, YamlError, lines_of

MOST = 10
"""Problems of a file that are reported."""

_EXCERPT_LINES = 40
_EXCERPT_WIDTH = 160
_MAX_PATH_LENGTH = 100


def broken(text: str, problems: Iterable[ConfigProblem], file: str, ref: str) -> ConfigBroken | None:
    """Return what is reported about a file with problems; None without any."""
    found = _first_of_each_key(problems)
    return ConfigBroken(file, ref, found, _excerpt(text, found)) if found else None


def unreadable(content: bytes, error: YamlError, file: str, ref: str) -> ConfigBroken:
    """Return what is reported about a file that cannot be read."""
    shown = content[:MAX_BYTES].decode("utf-8", "replace")
    found = full_width.in_syntax(shown, problem((), error.mark, error.message))
    return ConfigBroken(file, ref, (found,), _excerpt(shown, (found,)))


def problem(path: Path, mark: Mark, message: Text, suggestion: str = "") -> ConfigProblem:
    """Return a problem at a path; places in lists count from 1."""
    where = shortened(".".join(counted(path)), _MAX_PATH_LENGTH)
    return ConfigProblem(mark.line, mark.column, where, message, suggestion)


def _first_of_each_key(problems: Iterable[ConfigProblem]) -> tuple[ConfigProblem, ...]:
    """Return the first problem of each key, in the order of the file."""
    first: dict[str, ConfigProblem] = {}
    for one in problems:
        first.setdefault(one.where, one)
    return tuple(sorted(first.values(), key=lambda one: (one.line, one.column)))[:MOST]


def _excerpt(text: str, problems: Iterable[ConfigProblem]) -> str:
    """Return the numbered lines with problems, each with the lines before and after."""
    lines = lines_of(text.rstrip("\n"))
    wrong = {one.line for one in problems}
    near = sorted({line + by for line in wrong for by in (-1, 0, 1)} & set(range(1, len(lines) + 1)))
    shown = [
        f"{'>' if number in wrong else ' '} {number:>4} | {_printable(lines[number - 1])}" for number in near
    ]
    return "\n".join(shown[:_EXCERPT_LINES])


def _printable(line: str) -> str:
    visible = "".join(char if char.isprintable() else " " if char == "\t" else "\ufffd" for char in line)
    return shortened(visible, _EXCERPT_WIDTH)
