"""Which deployment answers while another one starts."""

from dataclasses import replace

import pytest

from bot.core.environments import takeover
from bot.model.environment import Environment, EnvironmentState
from bot.model.holder import LAST, Holder
from bot.model.pipeline import DataLifetime, DeployConfig, RunnerName
from bot.model.plan import Deploy
from tests.fakes.snapshots import environment

DOCKER, KUBERNETES = RunnerName.DOCKER, RunnerName.KUBERNETES
READY = replace(environment(), runner=DOCKER)
CONFIG = DeployConfig(runner=DOCKER)
STEP = Deploy("b" * 40, CONFIG, {}, "preview", 3600)


def test_a_ready_deployment_stays_where_two_can_exist() -> None:
    assert takeover.stays(READY, STEP, {DOCKER})
    assert takeover.present(READY) == Holder(READY.run, LAST)


@pytest.mark.parametrize(
    ("known", "step"),
    [
        (None, STEP),
        *((replace(READY, state=state), STEP) for state in EnvironmentState if state != "ready"),
        (replace(READY, run=0, adopted=Holder(7, 0, "lost4567")), STEP),
        (replace(READY, runner=KUBERNETES), STEP),
        (replace(READY, runner=None), STEP),
        (replace(READY, runner=KUBERNETES), replace(STEP, config=replace(CONFIG, runner=KUBERNETES))),
        (READY, replace(STEP, config=replace(CONFIG, replace=True))),
        (READY, replace(STEP, config=replace(CONFIG, data=DataLifetime.KEEP))),
    ],
)
def test_others_are_replaced(known: Environment | None, step: Deploy) -> None:
    assert not takeover.stays(known, step, {DOCKER})


@pytest.mark.parametrize(
    "known",
    [
        replace(READY, state=EnvironmentState.FAILING),
        replace(READY, run=0, adopted=Holder(7, 0, "lost4567")),
    ],
)
def test_what_does_not_work_or_another_store_knows_is_not_present(known: Environment) -> None:
    assert takeover.present(known) is None
