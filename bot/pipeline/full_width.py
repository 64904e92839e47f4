"""Full-width colons, which Chinese input methods type: YAML takes `build：` for text, not for a key."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.model.text import Text
from bot.model.views import ConfigProblem

COLON = Text(
    "This is a full-width colon ： (Chinese input). Write : and a space.",
    "这是中文冒号 ：，请改为英文冒号 : 并在后面加一个空格",
)

_KEY = re.compile(r"[ \t]*(?:- +)?[A-Za-z0-9_.-]+[ \t]*：")
_LINES_BEFORE = 2
"""How far above the place of a problem its colon can be: the parser notices it only later."""


def explained(text: str, problems: Iterable[ConfigProblem]) -> Iterator[ConfigProblem]:
    """Yield the problems; those with a full-width colon after a key are about this colon."""
    lines = text.split("\n")
    for problem in problems:
        found = next(filter(None, (_colon(lines, number) for number in _near(lines, problem.line))), None)
        line, column = found or (problem.line, problem.column)
        yield replace(problem, line=line, column=column, message=COLON, suggestion="") if found else problem


def _near(lines: list[str], line: int) -> list[int]:
    """Return the numbers of a line and of the last ones before it that are not blank."""
    before = [number for number in range(line - 1, 0, -1) if lines[number - 1].strip()]
    return [line, *before[:_LINES_BEFORE]]


def _colon(lines: list[str], number: int) -> tuple[int, int] | None:
    """Return line and column of the colon, if the line has one after its key."""
    found = _KEY.match(lines[number - 1]) if number <= len(lines) else None
    return (number, found.end()) if found else None
