"""What an outdated run may still do at a real engine: nothing to its successor's things."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import Overtaken, RetryLater
from bot.model.forge import RepoPath
from bot.model.holder import Holder
from tests.runners.conftest import KEY, Stage
from tests.runners.waiting import until

pytestmark = pytest.mark.docker

OLD, NEW = Holder(7, 0), Holder(7, 1)


def by(holder: Holder, **changes: Any) -> dict[str, Any]:
    labels = naming.labels(KEY, sha="1a2b", run=holder.run, attempt=holder.attempt)
    return {"labels": labels, **changes}


def parts(stage: Stage) -> set[str]:
    return {str(found.id) for found in stage.containers} | set(stage.networks)


@pytest.mark.parametrize("late", [OLD, Holder(6, 9)])
async def test_an_older_holder_removes_nothing_of_a_newer_one(stage: Stage, late: Holder) -> None:
    await stage.platform.deploy(stage.spec(**by(NEW)), stage.log)
    before = parts(stage)

    await stage.platform.remove(KEY, late)
    await stage.platform.stop_tests(KEY, late)
    with pytest.raises(Overtaken) as caught:
        await stage.platform.deploy(stage.spec(**by(late)), stage.log)

    assert parts(stage) == before
    assert {item.id for item in caught.value.items} == before, "the executor can replace them by their ids"
    await stage.platform.remove(KEY, NEW)
    assert stage.empty


@pytest.mark.parametrize("newer", [NEW, Holder(8, 0)])
async def test_a_newer_holder_replaces_everything_of_an_older_one(stage: Stage, newer: Holder) -> None:
    await stage.platform.deploy(stage.spec(**by(OLD)), stage.log)
    before = parts(stage)

    await stage.platform.deploy(stage.spec(**by(newer)), stage.log)

    assert not before & parts(stage)
    assert {item.holder for item in await stage.platform.inventory()} == {newer}


async def test_a_failure_after_the_successor_has_begun_spares_it(stage: Stage) -> None:
    late = stage.spec(**by(OLD, command=("sleep", "999"), health_timeout=600))
    failing = asyncio.create_task(stage.platform.deploy(late, stage.log))
    await until(lambda: len(stage.containers) == 1)

    await stage.platform.deploy(stage.spec(**by(NEW)), stage.log)
    before = parts(stage)
    with pytest.raises(Exception, match=r".") as caught:
        await failing

    assert not isinstance(caught.value, TimeoutError)
    assert parts(stage) == before


async def test_the_name_of_a_newer_suite_is_not_taken(stage: Stage) -> None:
    running = asyncio.create_task(
        stage.platform.run_tests(stage.suite("echo begun; sleep 999", **by(NEW, standalone=True)), stage.log)
    )
    await until(lambda: "begun" in stage.log.text)
    before = parts(stage)

    with pytest.raises(Overtaken):
        await stage.platform.run_tests(stage.suite("true", **by(OLD, standalone=True)), stage.log)
    await stage.platform.stop_tests(KEY, OLD)
    assert parts(stage) == before

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await stage.platform.stop_tests(KEY, NEW)
    assert stage.empty, "with the network that only the suite used"


@pytest.mark.attack
async def test_the_suite_of_another_environment_goes_on(stage: Stage) -> None:
    """A name has six digits of a hash: an environment with the same name can be found by trying."""
    name = naming.container(KEY, "tests-unit", stage.instance)
    labels = naming.labels(
        replace(KEY, repo=RepoPath("other", "shop")), sha="1a2b", run=1, instance=stage.instance
    )
    other = stage.sdk.containers.run(stage.tests_image, "sleep 600", name=name, labels=labels, detach=True)

    with pytest.raises(RetryLater, match="not of this environment"):
        await stage.platform.run_tests(stage.suite("true", **by(NEW, standalone=True)), stage.log)

    assert [one.id for one in stage.containers] == [other.id]
    other.reload()
    assert other.status == "running"
    other.remove(force=True)
