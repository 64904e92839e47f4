from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.runs.scheduling import RunLimits, ending, queue_order, queue_positions, share, startable
from bot.model.forge import RepoPath
from bot.model.pipeline import RunnerName
from bot.model.queue import BlockedBy, QueueEntry, QueuePosition

DOCKER, KUBERNETES = frozenset({RunnerName.DOCKER}), frozenset({RunnerName.KUBERNETES})
WIDE = RunLimits(99, 99)


def entry(
    run_id: int, repo: str = "team/shop", number: int | None = None, *, held: bool = False
) -> QueueEntry:
    pull = run_id if number is None else number
    return QueueEntry(run_id, RepoPath.parse(repo), pull, DOCKER, "one" if held else "", started=held)


def ids(entries: tuple[QueueEntry, ...]) -> list[int]:
    return [found.id for found in entries]


def test_the_oldest_runs_start_first_within_the_global_limit() -> None:
    assert startable([entry(3), entry(1), entry(2)], RunLimits(2, 9)) == (1, 2)


def test_a_pull_request_has_one_running_run_in_order_of_request() -> None:
    assert startable([entry(1, number=7), entry(2, number=7)], WIDE) == (1,)
    assert startable([entry(1, number=7, held=True), entry(2, number=7)], WIDE) == ()


def test_a_busy_repository_does_not_block_others() -> None:
    busy = [entry(1, held=True), entry(2), entry(3, "team/blog")]
    assert startable(busy, RunLimits(3, 1)) == (3,)


def test_a_full_runner_blocks_only_the_runs_that_need_it() -> None:
    limits = RunLimits(9, 9, {RunnerName.DOCKER: 1})
    waiting = [entry(1, held=True), entry(2), replace(entry(3), runners=KUBERNETES)]
    assert startable(waiting, limits) == (3,)
    assert queue_positions(waiting, limits) == {
        2: QueuePosition(1, BlockedBy.RUNNER, RunnerName.DOCKER),
        3: QueuePosition(2, BlockedBy.NOTHING),
    }


def test_repositories_take_turns() -> None:
    flood = [entry(run_id) for run_id in range(1, 6)]
    assert ids(queue_order([*flood, entry(6, "team/blog"), entry(7, "team/blog")])) == [1, 6, 2, 7, 3, 4, 5]


def test_repositories_without_running_runs_go_first() -> None:
    assert ids(queue_order([entry(1, held=True), entry(2), entry(3, "team/blog")])) == [3, 2]


def test_interrupted_runs_are_first_and_teardowns_second() -> None:
    removing = replace(entry(3, "team/blog"), removes_only=True)
    interrupted = replace(entry(4), started=True)
    assert ids(queue_order([entry(1), entry(2), removing, interrupted])) == [4, 3, 1, 2]


def test_runs_of_a_pull_request_keep_their_order() -> None:
    removing = replace(entry(2, number=7), removes_only=True)
    assert ids(queue_order([entry(1, number=7), removing])) == [1, 2]


def test_a_waiting_run_has_a_position_and_a_blocker() -> None:
    entries = [
        entry(1, number=7, held=True),
        entry(2, number=7),
        entry(3),
        entry(4, "team/blog"),
        entry(5, "b/b"),
    ]
    assert queue_positions(entries, RunLimits(2, 1)) == {
        4: QueuePosition(1, BlockedBy.NOTHING),
        5: QueuePosition(2, BlockedBy.ALL),
        2: QueuePosition(3, BlockedBy.PULL),
        3: QueuePosition(4, BlockedBy.REPOSITORY),
    }


def test_a_run_waits_for_an_earlier_waiting_run_of_its_pull_request() -> None:
    entries = [entry(1, held=True), entry(2, number=7), entry(3, number=7)]
    assert queue_positions(entries, RunLimits(1, 1))[3] == QueuePosition(2, BlockedBy.PULL)


def test_runs_to_be_stopped_have_no_position() -> None:
    stopping = replace(entry(1), stopping=True)
    assert startable([stopping, entry(2)], RunLimits(1, 1)) == (2,)
    assert ending([stopping, entry(2), replace(entry(3, held=True), stopping=True)]) == (1,)


def test_a_stopped_run_is_cleaned_up_before_the_next_run_starts() -> None:
    left = replace(entry(1, number=7), started=True, stopping=True)
    assert startable([left, entry(2, number=7)], WIDE) == ()
    assert ending([left, entry(2, number=7)]) == (1,)
    assert ending([left, entry(2, number=7, held=True)]) == ()


entries_ = st.lists(
    st.builds(
        lambda repo, number, held, begun, removes, stopping, runners: QueueEntry(
            0, RepoPath.parse(repo), number, runners, "one" * held, begun or held, removes, stopping
        ),
        st.sampled_from(["a/a", "b/b", "c/c"]),
        st.integers(1, 4),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from([DOCKER, KUBERNETES, DOCKER | KUBERNETES]),
    ),
    max_size=24,
).map(lambda found: [replace(each, id=number) for number, each in enumerate(found, start=1)])


@given(entries_, st.integers(1, 5), st.integers(1, 3), st.integers(1, 3))
def test_no_limit_is_ever_exceeded(entries: list[QueueEntry], total: int, each: int, docker: int) -> None:
    chosen = startable(entries, RunLimits(total, each, {RunnerName.DOCKER: docker}))
    before = [found for found in entries if found.held]
    begun = [found for found in entries if found.id in chosen]
    after = [*before, *begun]
    assert not begun or len(after) <= total
    pulls = [(found.repo, found.number) for found in begun]
    assert len(set(pulls)) == len(pulls)
    assert not set(pulls) & {(found.repo, found.number) for found in before}
    for found in begun:
        assert len([other for other in after if other.repo == found.repo]) <= each
        if RunnerName.DOCKER in found.runners:
            assert len([other for other in after if RunnerName.DOCKER in other.runners]) <= docker


@given(entries_, st.integers(1, 5), st.integers(1, 3))
def test_positions_agree_with_the_order_of_starts(entries: list[QueueEntry], total: int, each: int) -> None:
    limits = RunLimits(total, each)
    found = queue_positions(entries, limits)
    assert sorted(place.position for place in found.values()) == list(range(1, len(found) + 1))
    assert {run for run, place in found.items() if place.blocked_by is BlockedBy.NOTHING} == set(
        startable(entries, limits)
    )


@given(entries_)
def test_without_limits_only_pull_requests_block_runs(entries: list[QueueEntry]) -> None:
    blocked_by = {place.blocked_by for place in queue_positions(entries, WIDE).values()}
    assert blocked_by <= {BlockedBy.NOTHING, BlockedBy.PULL}


@pytest.mark.parametrize(
    ("runs", "replicas", "each"), [(6, 3, 2), (7, 3, 3), (2, 3, 1), (4, 1, 4), (4, 0, 4)]
)
def test_replicas_share_startable_runs_without_leaving_any(runs: int, replicas: int, each: int) -> None:
    assert share(RunLimits(runs, 9), replicas) == each


def test_on_a_full_disk_only_runs_start_that_remove_things() -> None:
    entries = [entry(1), replace(entry(2), removes_only=True)]
    full = RunLimits(9, 9, disk_full=True)
    assert startable(entries, full) == (2,)
    assert queue_positions(entries, full) == {
        2: QueuePosition(1, BlockedBy.NOTHING),
        1: QueuePosition(2, BlockedBy.DISK),
    }
