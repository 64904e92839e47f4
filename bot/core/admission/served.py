"""Which repositories the bot serves, according to the operator's patterns."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from bot.model.forge import RepoPath


def serves(patterns: Sequence[str], repo: RepoPath) -> bool:
    """Return whether the last pattern that matches allows the repository; False if none matches.

    A pattern is `owner/name`. `*` and `?` match within either half, never across the slash; a leading `!`
    excludes. Case is ignored, as Gitee does.
    """
    served = False
    for pattern in patterns:
        if _matches(pattern.removeprefix("!"), repo):
            served = not pattern.startswith("!")
    return served


def literal(patterns: Sequence[str]) -> tuple[RepoPath, ...]:
    """Return the repositories that patterns without wildcards name."""
    plain = (pattern for pattern in patterns if not set(pattern) & set("!*?["))
    return tuple(RepoPath.parse(pattern) for pattern in plain if pattern.count("/") == 1 and _whole(pattern))


def _whole(path: str) -> bool:
    return all(path.split("/"))


def _matches(pattern: str, repo: RepoPath) -> bool:
    owner, _, name = pattern.lower().partition("/")
    return fnmatchcase(repo.owner.lower(), owner) and fnmatchcase(repo.name.lower(), name)
