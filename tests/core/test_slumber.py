from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core import slumber
from bot.core.manifests import CRON_JOB, DEPLOYMENT, STATEFUL_SET, Kind
from bot.model.environment import Environment, EnvironmentState
from bot.model.pipeline import RunnerName
from tests.fakes.snapshots import NOW, environment, run

HOUR = timedelta(hours=1)
READY = replace(environment(), sleeper=RunnerName.KUBERNETES)
ASLEEP = slumber.asleep(READY)
WAKING = slumber.roused(ASLEEP, NOW + HOUR)


@pytest.mark.parametrize(
    ("found", "at", "sleeps"),
    [
        (READY, NOW + HOUR, True),
        (READY, NOW + HOUR - timedelta(seconds=1), False),
        (replace(READY, visited_at=NOW + HOUR), NOW + HOUR, False),
        (replace(READY, visited_at=NOW - HOUR), NOW + HOUR, True),
        (replace(READY, sleeper=None), NOW + HOUR, False),
        (replace(READY, state=EnvironmentState.STARTING), NOW + HOUR, False),
        (ASLEEP, NOW + HOUR, False),
    ],
)
def test_what_nobody_used_for_long_enough_is_idle(found: Environment, at: datetime, *, sleeps: bool) -> None:
    assert slumber.idle([found], [], at, HOUR) == ((found,) if sleeps else ())


def test_nothing_sleeps_while_something_of_its_pull_request_goes_on() -> None:
    assert slumber.idle([READY], [run()], NOW + HOUR, HOUR) == ()
    other = replace(run(), number=13)
    assert slumber.idle([READY], [other], NOW + HOUR, HOUR) == (READY,)


def test_only_what_sleeps_is_roused() -> None:
    assert (WAKING.state, WAKING.visited_at) == (EnvironmentState.WAKING, NOW + HOUR)
    assert slumber.roused(READY, NOW + HOUR) == READY


def test_waking_ends_as_it_went_unless_something_came_between() -> None:
    later = NOW + 2 * HOUR
    up = slumber.woken(WAKING, WAKING, later, up=True)
    assert (up.state, up.visited_at) == (EnvironmentState.READY, later)
    assert slumber.woken(WAKING, WAKING, later, up=False).state is EnvironmentState.FAILED
    for other in (READY, replace(WAKING, run=2), replace(WAKING, key=environment("staging").key)):
        assert slumber.woken(other, WAKING, later, up=True) == other


def test_the_latest_visit_counts() -> None:
    found = slumber.visited(READY, NOW + HOUR)
    assert slumber.used_at(found) == NOW + HOUR
    assert slumber.visited(found, NOW) == found


def workload(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("kind", "before", "asleep", "after"),
    [
        (DEPLOYMENT, workload(replicas=3), {"replicas": 0}, {"replicas": 3}),
        (STATEFUL_SET, workload(), {"replicas": 0}, {"replicas": 1}),
        (CRON_JOB, workload(), {"suspend": True}, {"suspend": False}),
    ],
)
def test_workloads_become_what_they_were(
    kind: Kind, before: dict[str, Any], asleep: dict[str, Any], after: dict[str, Any]
) -> None:
    down = slumber.lulling(kind, before)
    assert down is not None
    assert down["spec"] == asleep
    up = slumber.rousing(kind, {**before, **down})
    assert up == {"metadata": {"annotations": {slumber.ANNOTATION: None}}, "spec": after}
    assert slumber.rousing(kind, before) is None


@pytest.mark.parametrize(("kind", "spec"), [(DEPLOYMENT, {"replicas": 0}), (CRON_JOB, {"suspend": True})])
def test_what_runs_nothing_is_left_alone(kind: Kind, spec: dict[str, Any]) -> None:
    assert slumber.lulling(kind, workload(**spec)) is None


def test_a_note_that_others_spoiled_still_wakes() -> None:
    spoiled = {"metadata": {"annotations": {slumber.ANNOTATION: "many"}}}
    assert (slumber.rousing(DEPLOYMENT, spoiled) or {})["spec"] == {"replicas": 1}
