"""Patterns of repositories and environments in what the operator grants."""

from collections.abc import Sequence
from typing import Annotated

from bot.core.admission.served import literal, overlaps, serves
from bot.settings.kinds import written

RepositoryPattern = Annotated[
    str, written(r"!?[^/\s!]+/[^/\s]+", 'is not a pattern of repositories, such as "shop/*"')
]
EnvironmentPattern = Annotated[
    str, written(r"[a-z0-9*?-]+", 'is not a pattern of environments, such as "staging" or "qa-*"')
]


def misplaced(pattern: str, before: Sequence[str], allowed: Sequence[str]) -> str | None:
    """Return why a pattern changes nothing after those before it; None if it does.

    `allowed` are those of `[repos]`.
    """
    if pattern.startswith("!"):
        excludes = overlaps(before, pattern.removeprefix("!"))
        return None if excludes else "excludes nothing: place it after the pattern that it limits"
    named = literal([pattern])
    fits = all(serves(allowed, repo) for repo in named) if named else overlaps(allowed, pattern)
    return None if fits else "fits no repository that [repos] allow has"
