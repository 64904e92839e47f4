from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.environments import health
from bot.core.environments.health import Watch
from bot.model.environment import Endpoint, Environment, EnvironmentState, Outage
from bot.model.health import Part
from bot.model.holder import Holder
from bot.model.pipeline import RunnerName, TeardownConfig
from bot.model.reason import Reason
from tests.fakes.snapshots import environment, run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOK = timedelta(seconds=30)
READY = replace(environment(), endpoint=Endpoint("10.0.0.2", 80))
FAILING = replace(
    READY, state=EnvironmentState.FAILING, outage=Outage(Reason.CONTAINER_STOPPED, NOW, part="app")
)
WELL = Part("1", "app", up=True)
EXITED = replace(WELL, up=False, restarts=0, reason=Reason.CONTAINER_STOPPED, facts={"code": "1"})
DATABASE = Part("2", "db", up=True, serves=False)


def restarted(times: int, **changes: object) -> Part:
    """Return a part that is up again after so many crashes."""
    crashed = replace(WELL, restarts=times, reason=Reason.CRASH_LOOP, facts={"name": "app", "code": "137"})
    return replace(crashed, **changes)  # type: ignore[arg-type] # any of its fields


def looks(
    *found: Sequence[Part], one: Environment = READY, every: timedelta = LOOK
) -> tuple[Environment, Watch]:
    """Look at an environment repeatedly, and return what it is then."""
    watch = None
    for index, parts in enumerate(found):
        now = NOW + index * every
        watch = health.observe(watch, one, parts, now)
        one = health.judged(one, watch, now)
    assert watch is not None
    return one, watch


def test_what_is_well_stays_ready() -> None:
    assert looks(*[[WELL, DATABASE]] * 20)[0] is READY


def test_parts_of_another_deployment_say_nothing() -> None:
    mine, other = replace(WELL, run=READY.run), replace(EXITED, id="9", run=READY.run + 1)
    assert looks(*[[mine, other]] * 20)[0] is READY
    assert looks([other])[0].state is EnvironmentState.FAILED
    adopted = replace(READY, run=0, adopted=Holder(7))
    assert looks(*[[mine]] * 20, one=adopted)[0] is adopted


def test_a_crash_is_forgiven_and_three_within_five_minutes_are_not() -> None:
    assert looks([WELL], [restarted(1)], [WELL], [restarted(2)], [WELL])[0] is READY
    found, watch = looks([WELL], [restarted(1)], [WELL], [restarted(2)], [restarted(4)])
    assert found.state is EnvironmentState.FAILING
    assert found.endpoint == READY.endpoint
    facts = {"name": "app", "code": "137", "times": "4", "seconds": "300"}
    assert found.outage == Outage(Reason.CRASH_LOOP, NOW + 4 * LOOK, facts, "app")
    assert health.part_at_fault(found, watch) == restarted(4)
    assert health.part_at_fault(READY, watch) is None


def test_restarts_far_apart_are_not_added_up() -> None:
    parts = [[restarted(times)] for times in (1, 2, 3, 4, 5, 6)]
    assert looks(*parts, every=timedelta(minutes=3))[0] is READY


@pytest.mark.parametrize(
    ("made_at", "state"),
    [(None, EnvironmentState.READY), (NOW - 3 * LOOK, EnvironmentState.FAILING)],
)
def test_what_happened_before_the_first_look_counts_only_for_new_parts(
    made_at: datetime | None, state: EnvironmentState
) -> None:
    assert looks([restarted(40, made_at=made_at)])[0].state is state


def test_restarts_of_replaced_pods_are_not_counted_twice() -> None:
    assert looks([restarted(5)], [restarted(0)], [restarted(2)])[0] is READY


def test_a_part_that_is_down_for_two_minutes_is_failing() -> None:
    assert looks([WELL], *[[EXITED]] * 4)[0] is READY
    assert looks([WELL], *[[EXITED]] * 4, [WELL], *[[EXITED]] * 4)[0] is READY
    found, _ = looks([WELL], *[[EXITED]] * 5)
    expected = Outage(Reason.CONTAINER_STOPPED, NOW + 5 * LOOK, {"code": "1", "seconds": "120"}, "app")
    assert found.outage == expected


def test_an_outage_is_recorded_once() -> None:
    first, _ = looks([WELL], *[[EXITED]] * 5)
    assert looks([WELL], *[[EXITED]] * 9, [restarted(7)])[0] == first


def test_it_is_ready_again_only_after_five_steady_minutes() -> None:
    steady = [[WELL]] * 9
    for before in ([EXITED], [restarted(2)]):
        assert looks([restarted(1)], before, *steady, one=FAILING)[0] is FAILING
    for one in (FAILING, replace(FAILING, outage=None)):
        assert looks([WELL], [WELL], *steady, one=one)[0] == READY


def test_without_a_part_that_serves_it_is_gone_at_once() -> None:
    for one in (READY, FAILING):
        found, _ = looks([DATABASE], one=one)
        assert (found.state, found.endpoint) == (EnvironmentState.FAILED, None)
        assert found.outage == Outage(Reason.ENVIRONMENT_GONE, NOW)


def test_what_never_started_is_not_called_gone() -> None:
    starting = environment(state=EnvironmentState.STARTING)
    assert health.gone(starting, NOW).outage is None


def test_what_is_deployed_is_failed_when_its_removal_was_not_finished() -> None:
    for state in EnvironmentState:
        one = environment(state=state)
        found = health.half_removed(one, NOW)
        if not state.deployed:
            assert found is one
            continue
        assert (found.state, found.endpoint) == (EnvironmentState.FAILED, None)
        assert found.outage == Outage(Reason.TEARDOWN_UNFINISHED, NOW)
    by_job = replace(READY, teardown=TeardownConfig(RunnerName.JENKINS, "down"))
    assert health.half_removed(by_job, NOW) is by_job


def test_a_lost_database_is_an_outage_until_it_is_back() -> None:
    found, _ = looks([WELL, DATABASE], *[[WELL]] * 5)
    assert found.outage is not None
    assert (found.outage.reason, found.outage.part) == (Reason.CONTAINER_STOPPED, "db")
    assert looks(*[[WELL]] * 11, one=found)[0] is found, "a bot that has just started has not seen it"
    back = replace(DATABASE, id="3")
    assert looks(*[[WELL, back]] * 11, one=found)[0].state is EnvironmentState.READY


def test_old_looks_and_those_at_another_deployment_do_not_count() -> None:
    before = health.observe(None, READY, [EXITED], NOW)
    for one, now in ((READY, NOW + timedelta(hours=1)), (replace(READY, run=2), NOW + 5 * LOOK)):
        watch = health.observe(before, one, [EXITED], now)
        assert health.judged(one, watch, now) is one


def test_only_what_should_be_up_is_watched() -> None:
    for state in EnvironmentState:
        one = environment(state=state)
        wanted = state in {EnvironmentState.READY, EnvironmentState.FAILING}
        assert health.watched([one], []) == ((one,) if wanted else ())
    assert health.watched([READY], [run()]) == ()
