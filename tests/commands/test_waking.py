from dataclasses import replace

import pytest

from bot.model.environment import EnvironmentState
from bot.model.forge import PullState
from bot.model.outcome import Outcome, Refuse, StartRun, Wake
from bot.model.pipeline import RunnerName
from bot.model.reason import Reason
from bot.model.snapshot import Snapshot
from commands import wake
from tests.fakes.snapshots import decide, environment, pull_request, snapshot

ASLEEP = environment(state=EnvironmentState.ASLEEP)
STAGING = environment("staging", state=EnvironmentState.ASLEEP)
ONE = snapshot(environments=(ASLEEP, environment("staging")), built=True)
BOTH = snapshot(environments=(ASLEEP, STAGING))


@pytest.mark.parametrize(
    ("words", "now", "expected"),
    [
        ("", ONE, Wake(("preview",))),
        ("", BOTH, Wake(("preview", "staging"))),
        ("staging", BOTH, Wake(("staging",))),
        ("环境=staging", BOTH, Wake(("staging",))),
        ("staging", ONE, Refuse(Reason.NOT_ASLEEP)),
        ("", snapshot(environments=(environment(),)), Refuse(Reason.NOT_ASLEEP)),
        ("qa", ONE, Refuse(Reason.UNKNOWN_ENVIRONMENT, {"name": "qa", "known": "preview, staging"})),
        ("", snapshot(), Refuse(Reason.NO_ENVIRONMENT)),
        (
            "",
            snapshot(environments=(ASLEEP,), pull=pull_request(state=PullState.MERGED)),
            Refuse(Reason.PULL_CLOSED, {"command": "wake"}),
        ),
    ],
)
def test_wake(words: str, now: Snapshot, expected: Outcome) -> None:
    assert wake.command.plan(wake.command.bind(words.split()), now) == expected


def test_a_test_of_a_sleeping_environment_deploys_first() -> None:
    (found,) = decide("/test", ONE)
    assert isinstance(found, StartRun)
    assert found.plan.names == ("deploy", "test")


@pytest.mark.parametrize(("runner", "offered"), [(RunnerName.KUBERNETES, True), (RunnerName.DOCKER, False)])
def test_it_is_offered_where_previews_can_sleep(runner: RunnerName, *, offered: bool) -> None:
    pipeline = replace(ONE.pipeline, deploy=replace(ONE.pipeline.deploy, runner=runner))
    assert wake.command.offered(pipeline) is offered
