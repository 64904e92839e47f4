"""Values of the model that contain logic."""

from datetime import UTC, datetime

from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost, Members
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, TestConfig
from bot.model.plan import Build, Deploy, Plan, Teardown, Test
from bot.model.run import StepRecord, StepState

SHA = "ab" * 20
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_oldest_replica_is_the_leader() -> None:
    assert Members({"a": 3, "b": 9}).leader == "a"
    assert Members({}).leader == ""
    assert Lease("a") == Lease("a")
    assert not issubclass(LeaseLost, RetryLater)


def test_a_plan_lists_its_runners() -> None:
    plan = Plan(
        (
            Build(SHA, BuildConfig()),
            Deploy(SHA, DeployConfig(runner=RunnerName.KUBERNETES), {}),
            Test(SHA, TestConfig(), BuildConfig()),
        )
    )
    assert plan.runners == {RunnerName.DOCKER, RunnerName.KUBERNETES}
    assert not plan.removes_only
    assert Plan((Teardown(),)).removes_only


def test_a_finished_step_has_a_duration() -> None:
    assert StepRecord("build", StepState.RUNNING, NOW).seconds is None
    assert StepRecord("build", StepState.PASSED, NOW, NOW).seconds == 0
