"""Full-width colons, which Chinese input methods type: YAML takes `build：` for text, not for a key."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.model.text import Text
from bot.model.views import ConfigProblem
from bot.pipeline import messages
from bot.pipeline.yaml_tree import lines_of

COLON = Text(
    "This is a full-width colon ： (Chinese input). Write : and a space.",
    "这是中文冒号 ：，请改为英文冒号 : 并在后面加一个空格",
)

_KEY = re.compile(r"[ \t]*(?:- +)?[A-Za-z0-9_.-]+[ \t]*：")
_LINES_BEFORE = 2
"""How far above the place of an error its colon can be: the parser notices it only later."""


def in_syntax(text: str, error: ConfigProblem) -> ConfigProblem:
    """Return a syntax error; if a key near it has a full-width colon, the error is about this colon."""
    lines = lines_of(text)
    before = [number for number in range(error.line - 1, 0, -1) if lines[number - 1].strip()]
    return _about_colon(error, lines, [error.line, *before[:_LINES_BEFORE]])


def in_tree(text: str, problems: Iterable[ConfigProblem]) -> Iterator[ConfigProblem]:
    """Yield the problems; text in place of keys that has a full-width colon is about this colon."""
    lines = lines_of(text)
    for problem in problems:
        keys_missing = problem.message == messages.SECTION
        yield _about_colon(problem, lines, [problem.line]) if keys_missing else problem


def _about_colon(problem: ConfigProblem, lines: list[str], numbers: Iterable[int]) -> ConfigProblem:
    found = next(filter(None, (_colon(lines, number) for number in numbers)), None)
    if found is None:
        return problem
    line, column = found
    return replace(problem, line=line, column=column, message=COLON, suggestion="")


def _colon(lines: list[str], number: int) -> tuple[int, int] | None:
    """Return line and column of the colon, if the line has one after its key."""
    found = _KEY.match(lines[number - 1]) if number <= len(lines) else None
    return (number, found.end()) if found else None
