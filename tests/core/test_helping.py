"""Whom a refusal names."""

import pytest

from bot.core.admission.helping import lacks_names, named
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
