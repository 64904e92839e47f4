"""Two deployments of one environment at a real engine: the present one, and one that is to take over."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core import naming
from bot.model.environment import Endpoint
from bot.model.errors import Overtaken, TellUser
from bot.model.holder import ANYONE, LAST, Holder
from bot.ports import EnvironmentSpec, ServiceSpec
from bot.runners.docker.container import ContainerLimits
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.platform import DockerPlatform
from tests.runners.conftest import KEY, Stage
from tests.runners.test_docker_deploy import get
from tests.runners.waiting import until

pytestmark = pytest.mark.docker

SERVE = "mkdir /tmp/www; echo $NAME > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www"
BROKEN = ("sh", "-c", "exit 4")
HANGS = ("sleep", "999")


@pytest.fixture
def stage(stage: Stage, engine: DockerEngine) -> Stage:
    """Return the stage with a platform that gives visitors no time."""
    return replace(stage, platform=DockerPlatform(engine, instance=stage.instance, drain=0))


def by(stage: Stage, run: int, attempt: int = 0, **changes: Any) -> EnvironmentSpec:
    """Return the specification of one run's deployment, which says the run's number."""
    labels = naming.labels(KEY, sha=f"{run:040d}", run=run, attempt=attempt)
    changes = {"command": ("sh", "-c", SERVE), "env": {"NAME": f"run {run}"}, "labels": labels, **changes}
    return stage.spec(**changes)


async def deploy(stage: Stage, run: int, beside: int = 0, **changes: Any) -> Endpoint:
    spec = by(stage, run, beside=Holder(beside, LAST) if beside else None, **changes)
    return await stage.platform.deploy(spec, stage.log)


async def present(stage: Stage) -> set[tuple[int, int]]:
    """Return run and attempt of everything at the engine."""
    return {(item.run, item.attempt) for item in await stage.platform.inventory()}


async def test_both_answer_until_the_earlier_one_is_retired(stage: Stage) -> None:
    database = [ServiceSpec("db", stage.tests_image, command=HANGS)]
    first = await deploy(stage, 1, services=database)

    second = await deploy(stage, 2, beside=1, services=database)

    assert (await get(first), await get(second)) == ("run 1\n", "run 2\n")
    assert await stage.platform.endpoint(KEY) == second
    parts = (await stage.platform.parts())[KEY]
    assert {(part.run, part.name) for part in parts} == {(1, "app"), (1, "db"), (2, "app"), (2, "db")}
    await stage.platform.retire(KEY, Holder(2))
    assert await present(stage) == {(2, 0)}
    assert await get(second) == "run 2\n"
    assert len(stage.networks) == 1


async def test_a_failure_removes_only_what_it_has_started(stage: Stage) -> None:
    first = await deploy(stage, 1)
    before = {container.id for container in stage.containers}

    with pytest.raises(TellUser):
        await deploy(stage, 2, beside=1, command=BROKEN)

    assert {container.id for container in stage.containers} == before
    assert len(stage.networks) == 1
    assert await stage.platform.endpoint(KEY) == first
    assert await get(first) == "run 1\n"


async def test_without_a_deployment_to_keep_all_older_ones_are_removed(stage: Stage) -> None:
    await deploy(stage, 1)
    await deploy(stage, 2, beside=1)

    await deploy(stage, 3)

    assert await present(stage) == {(3, 0)}


async def interrupted(stage: Stage, run: int, **changes: Any) -> None:
    """Leave the parts of a deployment that never becomes ready, as a bot that is killed does."""
    deploying = asyncio.create_task(deploy(stage, run, command=HANGS, **changes))
    await until(lambda: len(stage.containers) == 1 + bool(changes.get("beside")))
    deploying.cancel()
    await asyncio.gather(deploying, return_exceptions=True)


async def test_the_next_attempt_replaces_what_a_killed_bot_has_left(stage: Stage) -> None:
    first = await deploy(stage, 1)
    await interrupted(stage, 2, beside=1)
    assert await stage.platform.endpoint(KEY) == first, "the other one has never been ready"

    second = await stage.platform.deploy(by(stage, 2, 1, beside=Holder(1, LAST)), stage.log)

    assert await present(stage) == {(1, 0), (2, 1)}
    assert (await get(first), await get(second)) == ("run 1\n", "run 2\n")


async def test_a_run_that_was_stopped_is_discarded_alone(stage: Stage) -> None:
    first = await deploy(stage, 1)
    await interrupted(stage, 2, beside=1)

    await stage.platform.discard(KEY, Holder(2))

    assert await present(stage) == {(1, 0)}
    assert await get(first) == "run 1\n"


async def test_an_outdated_attempt_removes_nothing_of_its_successors(stage: Stage) -> None:
    await deploy(stage, 1)
    await stage.platform.deploy(by(stage, 2, 1, beside=Holder(1, LAST)), stage.log)

    await stage.platform.discard(KEY, Holder(2, 0))
    await stage.platform.retire(KEY, Holder(1, 9))
    assert await present(stage) == {(1, 0), (2, 1)}
    with pytest.raises(Overtaken):
        await deploy(stage, 2, beside=1)

    assert await present(stage) == {(1, 0), (2, 1)}


async def test_tests_reach_the_deployment_that_was_ready_last(stage: Stage) -> None:
    await deploy(stage, 1)
    await interrupted(stage, 2, beside=1)
    suite = stage.suite("wget -qO- http://app:8080/")

    await stage.platform.run_tests(suite, stage.log)
    assert "run 1" in stage.log.text

    await deploy(stage, 3, beside=1)
    await stage.platform.run_tests(suite, stage.log)
    assert "run 3" in stage.log.text


async def test_a_teardown_removes_both(stage: Stage) -> None:
    await deploy(stage, 1)
    await deploy(stage, 2, beside=1)

    await stage.platform.remove(KEY, ANYONE)

    assert stage.empty


async def test_two_deployments_need_memory_for_both(stage: Stage, engine: DockerEngine) -> None:
    total = int((await engine.get("/info"))["MemTotal"])
    platform = DockerPlatform(engine, instance=stage.instance, limits=ContainerLimits(memory=f"{total}"))
    half = total // 2

    assert await platform.has_room(stage.spec(memory=f"{half >> 20}m"))
    assert not await platform.has_room(stage.spec(memory=f"{(half >> 20) + 2}m"))
    services = [ServiceSpec("db", stage.tests_image)]
    assert not await platform.has_room(stage.spec(memory=f"{half >> 20}m", services=services))
    services = [ServiceSpec("db", stage.tests_image, memory="16m")]
    assert await platform.has_room(stage.spec(memory=f"{(half >> 20) - 16}m", services=services))
    assert await stage.platform.has_room(stage.spec(memory="9999g")), "the operator's maximum counts"
