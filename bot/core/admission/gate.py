"""The checks that all commands have in common; they come before the command's own decision."""

from bot.core.admission import permissions, trust
from bot.core.admission.helping import MOST_NAMED
from bot.core.admission.permissions import Person, Rule
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.model.forge import Permission, PullState
from bot.model.outcome import Refuse
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot


def refusal(
    command: AnyCommand,
    rule: Rule,
    snapshot: Snapshot,
    *,
    permission: Permission,
    seen: str | None,
    environment: str = "",
) -> Refuse | None:
    """Return why this person's command is refused, or None if the command may decide.

    `environment` is the one that the rule is about, empty if it is about the command as such.
    `seen` is the head commit that the delivery reported, or None if the comment was found without one.
    Missing permission is reported first, because the other obstacles are of no use to someone without it.
    """
    who = person(snapshot, permission)
    if not permissions.fits(rule, who, trusted=True):
        return not_allowed(command.name, rule, snapshot, permission, environment)
    if command.runs_code and snapshot.pull.state is not PullState.OPEN:
        return Refuse(Reason.PULL_CLOSED, {"command": command.name})
    runs_unapproved = command.runs_code and not command.approves
    if not snapshot.trusted and (runs_unapproved or not permissions.fits(rule, who, trusted=False)):
        return Refuse(snapshot.distrust.reason, snapshot.distrust.facts)
    if command.runs_code and seen is not None and seen != snapshot.sha:
        return Refuse(Reason.HEAD_MOVED, {"seen": seen, "now": snapshot.sha})
    return None


def known(snapshot: Snapshot, permission: Permission) -> bool:
    """Return whether a person is none of those whom the operator may leave without an answer.

    Known are people with write access, and the author of a trusted commit.
    """
    contributor = Rule(PermissionLevel.CONTRIBUTOR)
    return permissions.fits(contributor, person(snapshot, permission), trusted=snapshot.trusted)


def person(snapshot: Snapshot, permission: Permission) -> Person:
    """Return the actor with what rules depend on."""
    return Person(
        snapshot.actor,
        permission,
        is_author=trust.same_person(snapshot.actor, snapshot.pull.author),
        is_owner=permissions.is_among(snapshot.actor, snapshot.owners),
    )


def not_allowed(
    command: str, rule: Rule, snapshot: Snapshot, permission: Permission, environment: str = ""
) -> Refuse:
    """Return the refusal for someone whom the rule does not fit, with what is needed and who has it."""
    lacks_write = permissions.is_named(rule, person(snapshot, permission))
    needed = Rule(PermissionLevel.WRITE) if lacks_write else rule
    facts = {
        "who": snapshot.actor,
        "command": command,
        "level": ", ".join(permissions.described(needed, snapshot.owners, MOST_NAMED)),
        "environment": environment,
        "helpers": ", ".join(snapshot.owners[:MOST_NAMED]) if needed.owners else "",
    }
    return Refuse(Reason.NOT_ALLOWED, {name: value for name, value in facts.items() if value})
