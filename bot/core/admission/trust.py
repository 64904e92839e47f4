"""Who may do what, and whose code may run: a commit is trusted for its author or after an approval."""

from collections.abc import Collection

from bot.core.language.command import PermissionLevel
from bot.model.forge import Permission, PullRequest

_ENOUGH = {
    PermissionLevel.ANYONE: Permission.NONE,
    PermissionLevel.CONTRIBUTOR: Permission.WRITE,
    PermissionLevel.WRITE: Permission.WRITE,
    PermissionLevel.ADMIN: Permission.ADMIN,
}
"""The permission that is enough for each level, for everyone."""


def trusted(pull: PullRequest, author_permission: Permission, approved: Collection[str]) -> bool:
    """Return whether the head of this pull request may run: its author may push anyway, or it was approved.

    `approved` are the commits that someone with write access approved with `/ok-to-test`; a later push
    is another commit and needs another approval. A pull request without a fork is not trusted for that:
    Gitee's lightweight pull requests put the commits of people without any permission into a branch of the
    base repository.
    """
    return author_permission >= Permission.WRITE or pull.head.sha in approved


def permitted(level: PermissionLevel, *, permission: Permission, is_author: bool, trusted: bool) -> bool:
    """Return whether a person with this permission has the level that a command needs."""
    if level is PermissionLevel.CONTRIBUTOR and is_author and trusted:
        return True
    return permission >= _ENOUGH[level]


def same_person(one: str, other: str) -> bool:
    """Return whether two logins are one account; Gitee's logins ignore case."""
    return one.casefold() == other.casefold()
