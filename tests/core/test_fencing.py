"""What a run may remove at a runner."""

import pytest

from bot.core import naming
from bot.core.runs.fencing import holder_of, may_remove, same_run
from bot.model.environment import EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.holder import ANYONE, LAST, Holder

KEY = EnvironmentKey(RepoPath("team", "shop"), 12, "preview")


def labels(run: int, attempt: int) -> dict[str, str]:
    return naming.labels(KEY, sha="1a2b", run=run, attempt=attempt)


@pytest.mark.parametrize("holder", [Holder(7, 1), Holder(7, 2), Holder(8, 0), Holder(7, LAST), ANYONE])
def test_a_run_may_remove_its_own_things_and_older_ones(holder: Holder) -> None:
    assert may_remove(labels(7, 1), holder)


@pytest.mark.parametrize("holder", [Holder(7, 0), Holder(6, 9), Holder(0)])
def test_a_run_may_not_remove_what_is_newer(holder: Holder) -> None:
    assert not may_remove(labels(7, 1), holder)


@pytest.mark.attack
@pytest.mark.parametrize("text", ["", "x", "-1", "١", "1.5", "7\n", "9" * 10, "9" * 5000])
def test_labels_without_a_number_count_as_the_oldest(text: str) -> None:
    found = holder_of({naming.LABEL_RUN: text, naming.LABEL_ATTEMPT: text})
    assert found == Holder(0)
    assert may_remove({}, Holder(0))


def test_numbers_of_runs_of_another_store_say_nothing() -> None:
    lost = naming.labels(KEY, sha="1a2b", run=7, store="lost4567")
    assert holder_of(lost) == Holder(7, 0, "lost4567")
    assert not may_remove(lost, Holder(8, 0, "mine4567"))
    assert may_remove(lost, Holder(7, 0, "lost4567"))
    assert not may_remove(lost, Holder(6, 0, "lost4567"))
    assert may_remove(lost, Holder(8)), "the holder's store is unknown"
    assert may_remove(lost, ANYONE)
    assert may_remove(labels(7, 0), Holder(8, 0, "mine4567")), "created by an earlier version"


def test_attempts_of_a_run_are_the_same_run() -> None:
    assert same_run(labels(7, 1), Holder(7, 0))
    assert not same_run(labels(7, 1), Holder(8, 1))
    lost = labels(7, 1) | {naming.LABEL_STORE: "lost4567"}
    assert not same_run(lost, Holder(7, 1, "mine4567"))
    assert same_run(lost, Holder(7)), "the holder's store is unknown"
