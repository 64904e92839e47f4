from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.environments import idle
from bot.model.environment import Environment, EnvironmentState
from bot.model.pipeline import RunnerName
from tests.fakes.snapshots import NOW, environment, run

HOUR = timedelta(hours=1)
READY = replace(environment(), suspendable_by=RunnerName.KUBERNETES)
ASLEEP = idle.asleep(READY)
WAKING = idle.wake_requested(ASLEEP, NOW + HOUR)


@pytest.mark.parametrize(
    ("found", "at", "sleeps"),
    [
        (READY, NOW + HOUR, True),
        (READY, NOW + HOUR - timedelta(seconds=1), False),
        (replace(READY, visited_at=NOW + HOUR), NOW + HOUR, False),
        (replace(READY, visited_at=NOW - HOUR), NOW + HOUR, True),
        (replace(READY, suspendable_by=None), NOW + HOUR, False),
        (replace(READY, state=EnvironmentState.STARTING), NOW + HOUR, False),
        (ASLEEP, NOW + HOUR, False),
    ],
)
def test_an_environment_without_recent_visits_is_idle(
    found: Environment, at: datetime, *, sleeps: bool
) -> None:
    assert idle.idle([found], [], at, HOUR) == ((found,) if sleeps else ())


def test_no_environment_scales_down_while_its_pull_request_has_a_run() -> None:
    assert idle.idle([READY], [run()], NOW + HOUR, HOUR) == ()
    other = replace(run(), number=13)
    assert idle.idle([READY], [other], NOW + HOUR, HOUR) == (READY,)


def test_only_sleeping_environments_are_woken() -> None:
    assert (WAKING.state, WAKING.visited_at) == (EnvironmentState.WAKING, NOW + HOUR)
    assert idle.wake_requested(READY, NOW + HOUR) == READY


def test_the_result_of_waking_is_stored_unless_the_environment_changed() -> None:
    later = NOW + 2 * HOUR
    up = idle.woken(WAKING, WAKING, later, up=True)
    assert (up.state, up.visited_at) == (EnvironmentState.READY, later)
    assert idle.woken(WAKING, WAKING, later, up=False).state is EnvironmentState.FAILED
    for other in (READY, replace(WAKING, run=2), replace(WAKING, key=environment("staging").key)):
        assert idle.woken(other, WAKING, later, up=True) == other


def test_the_latest_visit_counts() -> None:
    found = idle.visited(READY, NOW + HOUR)
    assert idle.used_at(found) == NOW + HOUR
    assert idle.visited(found, NOW) == found
