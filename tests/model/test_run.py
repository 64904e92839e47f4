"""What a run says of itself."""

from dataclasses import replace

import pytest

from bot.model.errors import Overtaken, TooExpensive
from bot.model.holder import Holder
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from bot.model.run import Note, Run, StepRecord, StepResult, StepState
from tests.fakes.snapshots import REPO, run


def ended(*results: StepResult) -> Run:
    """Return a run whose steps have ended with these results."""
    return replace(run(), steps=tuple(StepRecord("test", one.state, result=one) for one in results))


def test_a_run_is_named_so_that_no_other_store_has_its_name() -> None:
    assert run(7).name == "7"
    assert replace(run(7), uid="x7k2p9").name == "7-x7k2p9"


def test_remarks_are_those_of_the_run_and_of_its_steps() -> None:
    own, of_step = Note("own", {}), Note("step", {})
    found = ended(StepResult(StepState.PASSED, notes=(of_step,)), StepResult(StepState.PASSED))
    waiting = replace(found, notes=(own,), steps=(*found.steps, StepRecord("deploy")))

    assert waiting.remarks == (own, of_step)


@pytest.mark.parametrize(
    ("results", "untested"),
    [
        ((StepResult(StepState.PASSED),), False),
        ((StepResult(StepState.SKIPPED, Reason.NO_TEST_RAN),), True),
        ((StepResult(StepState.PASSED), StepResult(StepState.SKIPPED, Reason.NOTHING_TESTED)), True),
        ((StepResult(StepState.SKIPPED, Reason.NO_TESTS),), True),
        ((StepResult(StepState.PASSED), StepResult(StepState.SKIPPED, Reason.NO_TESTS)), False),
        ((StepResult(StepState.FAILED, Reason.NO_TEST_RAN),), False),
    ],
)
def test_a_run_is_untested_if_its_tests_ended_well_and_none_ran(
    results: tuple[StepResult, ...], *, untested: bool
) -> None:
    assert ended(*results).untested is untested


def test_every_interruption_makes_another_holder() -> None:
    steps = (StepRecord("build", attempt=1), StepRecord("test", attempt=2))
    assert replace(run(7), steps=steps).holder == Holder(7, 3)


def test_an_overtaken_step_names_whose_things_are_there() -> None:
    item = Item(ItemKind.CONTAINER, "c1", "web", REPO, 12, run=8)
    error = Overtaken(Reason.ENGINE_UNAVAILABLE, [item])
    assert error.items == (item,)
    assert "web (run 8)" in error.facts["message"]


def test_what_is_too_expensive_to_read_says_what_it_is() -> None:
    error = TooExpensive({"path": ".chatops.yml"})
    assert (error.reason, error.facts) == (Reason.TOO_EXPENSIVE, {"path": ".chatops.yml"})
