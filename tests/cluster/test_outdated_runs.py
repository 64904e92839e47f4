"""What a run that has lost its environment to a later one may still do in a real cluster: nothing to it."""

import dataclasses
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import Overtaken
from bot.model.holder import ANYONE, Holder
from tests.cluster.access import Access, named
from tests.cluster.previews import Previews
from tests.cluster.test_environments import exists
from tests.fakes.log import FakeLog

OLD, NEW = Holder(7, 0), Holder(7, 1)


def labels(previews: Previews, holder: Holder) -> dict[str, str]:
    return naming.labels(previews.key, sha="a" * 40, run=holder.run, attempt=holder.attempt)


def uid(cluster: Access, namespace: str) -> str:
    return str(cluster.get(named("v1", "Namespace", namespace)).metadata.uid)


async def test_an_older_holder_neither_removes_nor_replaces_a_newer_environment(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(labels=labels(previews, NEW)), log)
    before = uid(cluster, previews.namespace)
    [item] = [one for one in await previews.platform.inventory() if one.key == previews.key]
    outdated = dataclasses.replace(item, run=OLD.run, attempt=OLD.attempt)

    await previews.platform.remove(previews.key, OLD)
    await previews.platform.stop_tests(previews.key, OLD)
    assert await previews.platform.remove_items([outdated]) == ()
    with pytest.raises(Overtaken) as caught:
        await previews.platform.deploy(previews.environment(labels=labels(previews, OLD)), log)

    assert item.holder == NEW
    assert caught.value.items == (item,)
    assert exists(cluster, previews.namespace)
    assert uid(cluster, previews.namespace) == before
    await previews.platform.remove(previews.key, NEW)
    assert not exists(cluster, previews.namespace)


async def test_a_newer_holder_takes_the_namespace_over(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(labels=labels(previews, OLD)), log)
    await previews.platform.deploy(previews.environment(labels=labels(previews, NEW)), log)

    found: Any = cluster.get(named("v1", "Namespace", previews.namespace)).metadata
    assert found.labels["chatops.attempt"] == "1"
    await previews.platform.remove(previews.key, OLD)
    assert exists(cluster, previews.namespace)
    await previews.platform.remove(previews.key, ANYONE)


async def test_the_job_of_a_newer_attempt_is_neither_followed_nor_deleted(
    previews: Previews, cluster: Access, log: FakeLog
) -> None:
    await previews.platform.deploy(previews.environment(labels=labels(previews, OLD)), log)
    newer = previews.platform._labels(previews.key, labels(previews, NEW))
    job = named("batch/v1", "Job", "tests-unit", previews.namespace)
    container = {"name": "tests", "image": "x", "command": ["true"]}
    pod = {"restartPolicy": "Never", "containers": [container], "nodeSelector": {"never": "there"}}
    role = {**newer, "chatops.role": "tests"}
    template = {"metadata": {"labels": role}, "spec": pod}
    cluster.create({**job, "metadata": {**job["metadata"], "labels": role}, "spec": {"template": template}})

    with pytest.raises(Overtaken):
        await previews.platform.run_tests(previews.suite("true", labels=labels(previews, OLD)), log)
    await previews.platform.stop_tests(previews.key, OLD)

    assert cluster.exists(job)
    await previews.platform.stop_tests(previews.key, NEW)
    assert not cluster.exists(job)
