"""Whom a refusal names."""

import pytest

from bot.core.admission.helping import lacks_names, named, with_approvers
from bot.core.admission.permissions import Rule
from bot.core.language.command import PermissionLevel
from bot.model.approval import Distrust
from bot.model.forge import Permission
from bot.model.outcome import Ignore, Outcome, Refuse
from bot.model.reason import Reason

PEOPLE = {
    "nosy": Permission.READ,
    "Mei": Permission.WRITE,
    "amy": Permission.WRITE,
    "lin": Permission.ADMIN,
    "wang": Permission.WRITE,
    "zhao": Permission.ADMIN,
}


def refusal(level: str, **facts: str) -> Refuse:
    return Refuse(Reason.NOT_ALLOWED, {"who": "mei", "level": level, **facts})


@pytest.mark.parametrize(
    ("level", "helpers"),
    [("write", "amy, lin, wang"), ("contributor", "amy, lin, wang"), ("admin", "lin, zhao")],
)
def test_a_few_people_are_named_who_have_the_level_and_are_not_the_person_refused(
    level: str, helpers: str
) -> None:
    assert lacks_names([Ignore(""), refusal(level)])
    assert named(refusal(level), PEOPLE) == refusal(level, helpers=helpers)


@pytest.mark.parametrize(
    "outcome",
    [
        Ignore(""),
        Refuse(Reason.NOTHING_FAILED),
        refusal("write", helpers="amy"),
        refusal("write, @lin"),
        refusal("owners"),
    ],
)
def test_what_names_people_or_is_about_something_else_stays_as_it_is(outcome: Outcome) -> None:
    assert not lacks_names([outcome])
    assert named(outcome, PEOPLE) == outcome


def test_nobody_is_named_if_nobody_is_known() -> None:
    assert named(refusal("admin"), {"nosy": Permission.READ}) == refusal("admin")


DISTRUST = Distrust(Reason.FORK_SHARED, {"sha": "ab", "who": "eve", "approve": "/ok-to-test ab"})
USUAL = Rule(PermissionLevel.WRITE, ("zhao",), least=Permission.WRITE)


@pytest.mark.parametrize(
    ("rule", "level"),
    [
        (USUAL, None),
        (Rule(PermissionLevel.ADMIN, least=Permission.WRITE), "admin"),
        (Rule(None, ("zhao", "amy"), owners=True, least=Permission.WRITE), "@zhao, @amy, owners"),
        (Rule(PermissionLevel.ADMIN, ("zhao",), least=Permission.WRITE), "admin, @zhao"),
    ],
)
def test_who_may_approve_is_named_unless_everyone_with_write_access_may(
    rule: Rule, level: str | None
) -> None:
    assert with_approvers(DISTRUST, rule).facts.get("level") == level


def test_a_refusal_for_missing_trust_names_a_few_administrators_if_only_they_may_approve() -> None:
    rule = Rule(PermissionLevel.ADMIN, least=Permission.WRITE)
    facts = with_approvers(DISTRUST, rule).facts
    outcome = Refuse(DISTRUST.reason, facts)
    assert lacks_names([outcome])
    assert named(outcome, PEOPLE) == Refuse(DISTRUST.reason, {**facts, "helpers": "lin, zhao"})
    assert not lacks_names([Refuse(DISTRUST.reason, DISTRUST.facts)])
