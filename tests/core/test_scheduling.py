from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.core.scheduling import Limits, positions, startable
from bot.model.delivery import Trigger
from bot.model.forge import RepoPath
from bot.model.plan import Plan
from bot.model.run import Origin, Run, RunState
from bot.model.text import Language

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING


def run(run_id: int, repo: str = "team/shop", number: int = 1, state: RunState = QUEUED) -> Run:
    base = Run(
        run_id, RepoPath.parse(repo), number, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, NOW
    )
    return replace(base, state=state)


def test_the_oldest_begin_first_within_the_global_limit() -> None:
    waiting = [run(3, number=3), run(1, number=1), run(2, number=2)]
    assert startable(waiting, Limits(2, 9)) == (1, 2)


def test_one_pull_request_has_one_run_under_way_in_order_of_asking() -> None:
    assert startable([run(1), run(2)], Limits(9, 9)) == (1,)
    assert startable([run(1, state=RUNNING), run(2)], Limits(9, 9)) == ()


def test_a_busy_repository_does_not_take_the_room_of_others() -> None:
    busy = [run(1, number=1, state=RUNNING), run(2, number=2), run(3, "team/blog", 1)]
    assert startable(busy, Limits(3, 1)) == (3,)


def test_places_in_line_count_waiting_runs_only() -> None:
    assert positions([run(4, number=2), run(1, state=RUNNING), run(2, number=3)]) == {2: 1, 4: 2}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a/a", "b/b", "c/c"]), st.integers(1, 4), st.sampled_from([QUEUED, RUNNING])
        ),
        max_size=20,
    ),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_no_limit_is_ever_passed(rows: list[tuple[str, int, RunState]], total: int, each: int) -> None:
    runs = [run(i, repo, number, state) for i, (repo, number, state) in enumerate(rows)]
    before = [item for item in runs if item.state is RUNNING]
    begun = [item for item in runs if item.id in startable(runs, Limits(total, each))]
    assert len(before) + len(begun) <= max(total, len(before))
    pulls = [(item.repo, item.number) for item in begun]
    assert len(set(pulls)) == len(pulls)
    assert not set(pulls) & {(item.repo, item.number) for item in before}
    for item in begun:
        busy = [other for other in before if other.repo == item.repo]
        assert len(busy) + len([other for other in begun if other.repo == item.repo]) <= each
