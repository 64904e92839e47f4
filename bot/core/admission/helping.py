"""Who can help somebody whose command was refused: a few people who may do it. They are not notified."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.admission import permissions, trust
from bot.core.admission.permissions import Rule
from bot.core.language.command import PermissionLevel
from bot.model.approval import Distrust
from bot.model.forge import Permission
from bot.model.outcome import Outcome, Refuse
from bot.model.reason import Reason

MOST_NAMED = 3
"""People whom a refusal names for each reason why they may do what was refused."""

_ENOUGH: Mapping[str, Permission] = {
    PermissionLevel.CONTRIBUTOR: Permission.WRITE,
    PermissionLevel.WRITE: Permission.WRITE,
    PermissionLevel.ADMIN: Permission.ADMIN,
}
_ABOUT_LEVELS = frozenset(
    {
        Reason.NOT_ALLOWED,
        Reason.NOT_TRUSTED,
        Reason.FORK_NOT_OWN,
        Reason.FORK_SHARED,
        Reason.FORK_UNREADABLE,
        Reason.FORK_DELETED,
    }
)
"""Refusals that a person with a higher permission level can help with."""


def with_approvers(distrust: Distrust, rule: Rule) -> Distrust:
    """Return why a commit is not trusted, and who may approve it if write access is not enough."""
    if rule.level is PermissionLevel.WRITE:
        return distrust
    # Whom OWNERS names is not read for this.
    level = ", ".join(permissions.described(rule, ("",), MOST_NAMED))
    return replace(distrust, facts={**distrust.facts, "level": level})


def lacks_names(outcomes: Sequence[Outcome]) -> bool:
    """Return whether one of the outcomes is a refusal for a permission level, which names nobody."""
    return any(_enough(outcome) is not None for outcome in outcomes)


def named(outcome: Outcome, collaborators: Mapping[str, Permission]) -> Outcome:
    """Return an outcome; if it is a refusal for a permission level, with the first people who have it."""
    enough = _enough(outcome)
    if enough is None or not isinstance(outcome, Refuse):
        return outcome
    names = [login for login, permission in collaborators.items() if permission >= enough]
    others = [login for login in names if not trust.same_person(login, outcome.facts.get("who", ""))]
    helpers = ", ".join(others[:MOST_NAMED])
    return replace(outcome, facts={**outcome.facts, "helpers": helpers}) if helpers else outcome


def _enough(outcome: Outcome) -> Permission | None:
    """Return the permission that a refusal is about, None if it names people already or is about another."""
    if not isinstance(outcome, Refuse) or outcome.reason not in _ABOUT_LEVELS:
        return None
    return _ENOUGH.get(outcome.facts.get("level", "")) if "helpers" not in outcome.facts else None
