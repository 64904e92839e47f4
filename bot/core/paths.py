"""Which changed files make automatic runs worth while: patterns as in .gitignore."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from bot.model.pipeline import PathFilter

LISTED = 300
"""Gitee lists at most so many changed files; a list of that length may lack some."""


def matches(chosen: PathFilter, files: Sequence[str]) -> bool:
    """Tell whether any changed file counts: it is included and not ignored.

    A list that may be incomplete, or is empty, matches: a run too many does less harm than one too few.
    """
    if not files or len(files) >= LISTED:
        return True
    return any(listed(chosen.include, file) and not listed(chosen.ignore, file) for file in files)


def listed(patterns: Iterable[str], file: str) -> bool:
    """Tell whether a file is on the list; the last pattern that fits decides, `!` takes a file off again."""
    found = False
    for pattern in patterns:
        if covers(pattern.removeprefix("!"), file):
            found = not pattern.startswith("!")
    return found


def covers(pattern: str, file: str) -> bool:
    """Tell whether a pattern names this file or a folder around it.

    `*` and `?` stay within a name, `**` crosses folders, `docs/` is a folder, and a pattern with a
    slash in front or inside counts from the root.
    """
    wanted, inside_only = _segments(pattern)
    states = _skip_stars(wanted, {0})
    names = file.split("/")
    for place, name in enumerate(names, start=1):
        steps = {
            state if wanted[state] == "**" else state + 1 for state in states if _fits(wanted, state, name)
        }
        states = _skip_stars(wanted, steps)
        if len(wanted) in states and (place < len(names) or not inside_only):
            return True
    return False


@lru_cache(maxsize=512)
def _segments(pattern: str) -> tuple[tuple[str, ...], bool]:
    """Return the names to match one by one, and whether only what lies inside of a match counts."""
    inside_only = pattern.endswith(("/", "/**"))
    trimmed = pattern.removesuffix("/**").rstrip("/").removeprefix("./")
    names = tuple(name for name in trimmed.split("/") if name)
    return (names if "/" in trimmed else ("**", *names)), inside_only


def _fits(wanted: tuple[str, ...], state: int, name: str) -> bool:
    return state < len(wanted) and (wanted[state] == "**" or fnmatchcase(name, wanted[state]))


def _skip_stars(wanted: tuple[str, ...], states: set[int]) -> set[int]:
    """Add the states that are reached by letting `**` stand for nothing."""
    reached = set(states)
    for state in range(len(wanted)):
        if state in reached and wanted[state] == "**":
            reached.add(state + 1)
    return reached
