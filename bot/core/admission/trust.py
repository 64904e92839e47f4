"""Who may do what, and whose code may run: a commit is trusted for its origin or after an approval."""

from collections.abc import Mapping

from bot.core.language.command import PermissionLevel
from bot.model.approval import Approval, Distrust, Revocation
from bot.model.forge import Comment, Permission, PullRequest
from bot.model.reason import Reason

_ENOUGH = {
    PermissionLevel.ANYONE: Permission.NONE,
    PermissionLevel.CONTRIBUTOR: Permission.WRITE,
    PermissionLevel.WRITE: Permission.WRITE,
    PermissionLevel.ADMIN: Permission.ADMIN,
}
"""The permission that is enough for each level, for everyone."""


MOST_OTHERS = 5
"""Other people with push access to a fork whose permission is read; more of them are not trusted."""


def may_be_own(pull: PullRequest, author: Permission) -> bool:
    """Return whether trust depends on who may push to the fork: a writer's fork in their own namespace."""
    return author >= Permission.WRITE and pull.from_fork and _in_own_namespace(pull)


def distrust(
    pull: PullRequest, author: Permission, others: Mapping[str, Permission] | None
) -> Distrust | None:
    """Return why the head needs an approval; None if only people with write access can have pushed it.

    `author` and `others` are permissions in the base repository; `others` are those of everyone else who may
    push to the fork, None if they cannot be read. A pull request without a fork is not trusted for that:
    Gitee's lightweight pull requests put the commits of people without any permission into a branch of the
    base repository.
    """
    head, facts = pull.head, {"sha": pull.head.sha, "approve": approve_command(pull.head.sha)}
    if author < Permission.WRITE:
        return Distrust(Reason.NOT_TRUSTED, {**facts, "author": pull.author})
    if not pull.from_fork:
        return None
    if head.repo is None:
        return Distrust(Reason.FORK_DELETED, facts)
    facts["fork"] = str(head.repo)
    if not _in_own_namespace(pull):
        return Distrust(Reason.FORK_NOT_OWN, {**facts, "author": pull.author})
    if others is None:
        return Distrust(Reason.FORK_UNREADABLE, facts)
    outside = sorted(login for login, permission in others.items() if permission < Permission.WRITE)
    return Distrust(Reason.FORK_SHARED, {**facts, "who": ", ".join(outside)}) if outside else None


def approve_command(sha: str) -> str:
    """Return the command that approves a commit, by its whole id: shorter ones can be forged."""
    return f"/ok-to-test {sha}"


def covers(approval: Approval, pull: PullRequest) -> bool:
    """Return whether an approval is for the head of this pull request and for the branch that it targets."""
    return (approval.sha, approval.base) == (pull.head.sha, pull.base.ref)


def revocation(
    approval: Approval, comment: Comment | None, digest: str, *, may_approve: bool
) -> Revocation | None:
    """Return why an approval no longer counts; None if it does.

    `comment` is the approving comment as it is now, None if it was deleted, and `digest` the one of its text;
    `may_approve` is whether the approver may still approve commits.
    """
    if comment is None:
        return Revocation(approval, Reason.APPROVAL_DELETED, approval.actor)
    if digest != approval.digest:
        return Revocation(approval, Reason.APPROVAL_EDITED, approval.actor)
    if not may_approve:
        return Revocation(approval, Reason.APPROVER_DEMOTED, approval.actor)
    return None


def announced(request: Comment | None, approving: Comment) -> bool:
    """Return whether the bot's request was there to be read before the approving comment was written."""
    if request is None:
        return False
    return request.id < approving.id and request.created_at <= approving.created_at


def permitted(level: PermissionLevel, *, permission: Permission, is_author: bool, trusted: bool) -> bool:
    """Return whether a person with this permission has the level that a command needs."""
    if level is PermissionLevel.CONTRIBUTOR and is_author and trusted:
        return True
    return permission >= _ENOUGH[level]


def _in_own_namespace(pull: PullRequest) -> bool:
    head = pull.head.repo
    return head is not None and same_person(head.owner, pull.author)


def same_person(one: str, other: str) -> bool:
    """Return whether two logins are one account.

    Gitee's logins are ASCII and ignore case. Other letters are compared as they are: in lower case some of
    them, such as the Kelvin sign, become ASCII ones.
    """
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())
