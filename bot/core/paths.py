"""Which changed files start automatic runs, by patterns as in .gitignore."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from bot.model.pipeline import PathFilter

LISTED = 300
"""Most changed files that Gitee lists; a list of this length may be incomplete."""


def matches(chosen: PathFilter, files: Sequence[str]) -> bool:
    """Whether any changed file is included and not ignored.

    A list that is empty or may be incomplete matches: a superfluous run does less harm than a missing one.
    """
    if not files or len(files) >= LISTED:
        return True
    return any(listed(chosen.include, file) and not listed(chosen.ignore, file) for file in files)


def listed(patterns: Iterable[str], file: str) -> bool:
    """Whether the patterns select a file. The last pattern that matches decides; `!` deselects."""
    found = False
    for pattern in patterns:
        if covers(pattern.removeprefix("!"), file):
            found = not pattern.startswith("!")
    return found


def covers(pattern: str, file: str) -> bool:
    """Whether a pattern matches this file or a folder that contains it.

    `*` and `?` stay within a name, `**` crosses folders, `docs/` is a folder, and a pattern with a
    slash in front or inside counts from the root.
    """
    wanted, inside_only = _segments(pattern)
    states = _skip_stars(wanted, {0})
    names = file.split("/")
    for depth, name in enumerate(names, start=1):
        steps = {
            state if wanted[state] == "**" else state + 1 for state in states if _fits(wanted, state, name)
        }
        states = _skip_stars(wanted, steps)
        if len(wanted) in states and (depth < len(names) or not inside_only):
            return True
    return False


@lru_cache(maxsize=512)
def _segments(pattern: str) -> tuple[tuple[str, ...], bool]:
    """Return the segments of a pattern, and whether it only matches what is inside of a folder."""
    inside_only = pattern.endswith(("/", "/**"))
    trimmed = pattern.removesuffix("/**").rstrip("/").removeprefix("./")
    names = tuple(name for name in trimmed.split("/") if name)
    return (names if "/" in trimmed else ("**", *names)), inside_only


def _fits(wanted: tuple[str, ...], state: int, name: str) -> bool:
    return state < len(wanted) and (wanted[state] == "**" or fnmatchcase(name, wanted[state]))


def _skip_stars(wanted: tuple[str, ...], states: set[int]) -> set[int]:
    """Add the states that are reached when `**` matches nothing."""
    reached = set(states)
    for state in range(len(wanted)):
        if state in reached and wanted[state] == "**":
            reached.add(state + 1)
    return reached
