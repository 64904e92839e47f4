"""Values of the model that contain logic."""

from datetime import UTC, datetime

import pytest

from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from bot.model.lease import Lease, LeaseLost, Members
from bot.model.pipeline import BuildConfig, DeployConfig, RunnerName, TestConfig
from bot.model.plan import Build, Deploy, Plan, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Image, StepRecord, StepState, TestCounts

SHA = "ab" * 20
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("path", ["", "shop", "/shop", "team/", "team/shop/more"])
def test_a_repository_path_has_two_parts(path: str) -> None:
    with pytest.raises(ValueError, match="not a repository path"):
        RepoPath.parse(path)


def test_an_image_is_pinned_by_its_digest() -> None:
    image = Image("registry.example.com:5000/team/shop:pr-1-abc", "sha256:00", 1, SHA)

    assert image.tag == "pr-1-abc"
    assert image.pinned == "registry.example.com:5000/team/shop@sha256:00"


def test_flaky_tests_count_once() -> None:
    assert TestCounts(passed=5, failed=2, skipped=1, flaky=1).total == 8


def test_an_outage_may_have_a_requested_delay() -> None:
    assert RetryLater(Reason.GITEE_UNAVAILABLE, delay=17).delay == 17
    assert RetryLater(Reason.GITEE_UNAVAILABLE).delay is None


def test_the_oldest_replica_is_the_leader() -> None:
    assert Members(("a", "b")).leader == "a"
    assert Members().leader == ""
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
