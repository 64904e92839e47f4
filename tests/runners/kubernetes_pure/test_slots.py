"""Which of an environment's two namespaces a deployment goes to."""

from collections.abc import Sequence
from itertools import combinations, product

import pytest

from bot.core.runs.fencing import holder_of
from bot.model.holder import LAST, Holder
from bot.runners.kubernetes.pure import slots
from bot.runners.kubernetes.pure.cluster_labels import LABEL_ROLE
from bot.runners.kubernetes.pure.slots import STARTING, Place, Slot

NAMES = ("first", "second")


def slot(name: str, run: int, *, starting: bool = False) -> Slot:
    role = {LABEL_ROLE: STARTING} if starting else {}
    return Slot(name, {"chatops.run": f"{run}", **role})


A, B = slot("first", 5), slot("second", 6, starting=True)


@pytest.mark.parametrize(
    ("found", "beside", "expected"),
    [
        ([], None, Place("first")),
        ([], 5, Place("first")),
        ([A], None, Place("first")),
        ([A], 5, Place("second", "first")),
        ([A], 4, Place("first")),
        ([slot("second", 5)], 5, Place("first", "second")),
        ([slot("second", 5)], None, Place("second")),
        ([A, B], 5, Place("second", "first")),
        ([A, B], None, Place("first", outdated=("second",))),
        ([B], 5, Place("second")),
        ([B], None, Place("second")),
    ],
)
def test_a_deployment_has_a_place(found: list[Slot], beside: int | None, expected: Place) -> None:
    assert slots.place(NAMES, found, Holder(beside, LAST) if beside else None) == expected


def test_the_present_one_has_taken_over_last() -> None:
    assert slots.present([]) is None
    assert slots.present([B]) is None
    assert slots.present([A, B]) == A
    assert slots.present([slot("second", 6), A]) == slot("second", 6)


EVERY = [
    [slot(name, run, starting=starting) for name, run, starting in zip(NAMES, runs, roles, strict=True)]
    for runs in product((5, 6), repeat=2)
    for roles in product((False, True), repeat=2)
]


@pytest.mark.parametrize(
    "found", [some for both in EVERY for n in (0, 1, 2) for some in combinations(both, n)]
)
@pytest.mark.parametrize("beside", [None, Holder(5, LAST), Holder(6, LAST), Holder(7, LAST)])
def test_what_shall_answer_meanwhile_is_never_deployed_over_or_removed(
    found: Sequence[Slot], beside: Holder | None
) -> None:
    """What a later run has deployed is not decided here: it ends the deployment before, as overtaken."""
    place = slots.place(NAMES, found, beside)
    there = {one.name for one in found}

    assert place.name in NAMES
    assert place.name != place.former
    assert {place.name, place.former, *place.outdated} >= there
    assert place.former in there | {""}
    assert not {place.name, place.former} & set(place.outdated)
    answering = [one.name for one in found if beside and holder_of(one.labels).run == beside.run]
    assert place.former == next(iter(answering), "")
