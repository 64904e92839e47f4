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
        if matches(pattern.removeprefix("!"), repo):
            served = not pattern.startswith("!")
    return served


def overlaps(patterns: Sequence[str], wanted: str) -> bool:
    """Return whether some name can match both `wanted` and one of these patterns; exclusions do not count.

    >>> overlaps(["team/*"], "*/shop"), overlaps(["team/*"], "other/*"), overlaps(["*/a?c"], "t/*bc")
    (True, False, True)
    """
    halves = wanted.lower().partition("/")
    return any(
        all(_overlap(one, other) for one, other in zip(pattern.lower().partition("/"), halves, strict=True))
        for pattern in patterns
        if not pattern.startswith("!")
    )


def literal(patterns: Sequence[str]) -> tuple[RepoPath, ...]:
    """Return the repositories that patterns without wildcards name."""
    plain = (pattern for pattern in patterns if not set(pattern) & set("!*?["))
    return tuple(RepoPath.parse(pattern) for pattern in plain if pattern.count("/") == 1 and _whole(pattern))


def _overlap(one: str, other: str) -> bool:
    """Return whether two patterns can match the same text; one with a set such as `[ab]` always may."""
    if "[" in one + other:
        return True
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return (one[0] == other[0] or "?" in {one[0], other[0]}) and _overlap(one[1:], other[1:])


def _whole(path: str) -> bool:
    return all(path.split("/"))


def matches(pattern: str, repo: RepoPath) -> bool:
    """Return whether a pattern, without a leading `!`, matches a repository."""
    owner, _, name = pattern.lower().partition("/")
    return fnmatchcase(repo.owner.lower(), owner) and fnmatchcase(repo.name.lower(), name)
