"""The checks that all commands have in common; they come before the command's own decision."""

from collections.abc import Mapping

from bot.core.admission import trust
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.model.forge import Permission, PullState
from bot.model.outcome import Refuse
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot


def permission_level(command: AnyCommand, policy: Mapping[str, PermissionLevel]) -> PermissionLevel:
    """Return the permission level in force: the operator's if there is one, otherwise the command's own.

    A command that approves commits never requires less than write access: otherwise outside contributors
    could approve their own code.
    """
    level = policy.get(command.name, command.permission)
    return level.at_least(PermissionLevel.WRITE) if command.approves else level


def refusal(
    command: AnyCommand,
    level: PermissionLevel,
    snapshot: Snapshot,
    *,
    permission: Permission,
    seen: str | None,
) -> Refuse | None:
    """Return why this person's command is refused, or None if the command may decide.

    `seen` is the head commit that the delivery reported, or None if the comment was found without one.
    Missing permission is reported first, because the other obstacles are of no use to someone without it.
    """
    if not _permitted(level, snapshot, permission, trusted=True):
        facts = {"who": snapshot.actor, "command": command.name, "level": str(level)}
        return Refuse(Reason.NOT_ALLOWED, facts)
    if command.runs_code and snapshot.pull.state is not PullState.OPEN:
        return Refuse(Reason.PULL_CLOSED, {"command": command.name})
    runs_unapproved = command.runs_code and not command.approves
    if not snapshot.trusted and (
        runs_unapproved or not _permitted(level, snapshot, permission, trusted=False)
    ):
        return Refuse(snapshot.distrust.reason, snapshot.distrust.facts)
    if command.runs_code and seen is not None and seen != snapshot.sha:
        return Refuse(Reason.HEAD_MOVED, {"seen": seen, "now": snapshot.sha})
    return None


def known(snapshot: Snapshot, permission: Permission) -> bool:
    """Return whether a person is none of those whom the operator may leave without an answer.

    Known are people with write access, and the author of a trusted commit.
    """
    return _permitted(PermissionLevel.CONTRIBUTOR, snapshot, permission, trusted=snapshot.trusted)


def _permitted(level: PermissionLevel, snapshot: Snapshot, permission: Permission, *, trusted: bool) -> bool:
    is_author = trust.same_person(snapshot.actor, snapshot.pull.author)
    return trust.permitted(level, permission=permission, is_author=is_author, trusted=trusted)
