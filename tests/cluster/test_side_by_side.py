"""Two deployments of one environment on a real cluster: the present one, and one that is to take over."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import Overtaken, TellUser
from bot.model.holder import ANYONE, LAST, Holder
from bot.ports import EnvironmentSpec, ServiceSpec
from bot.runners.kubernetes.platform import KubernetesPlatform
from bot.runners.kubernetes.routes import Routes
from bot.sandbox.process import ProcessSandbox
from tests.cluster.access import Access, wait_until
from tests.cluster.previews import Previews
from tests.cluster.test_environments import exists, listed
from tests.cluster.visit import Visit
from tests.fakes.log import FakeLog

SERVE = "echo $NAME > /dev/shm/index.html; exec httpd -f -p 8080 -h /dev/shm"
BROKEN = ("sh", "-c", "echo no table; exit 4")
HANGS = ("sleep", "999")


@pytest.fixture
def previews(previews: Previews) -> Previews:
    """Return previews whose platform gives visitors no time."""
    sandbox = ProcessSandbox()
    platform = KubernetesPlatform(previews.cluster, previews.options, previews.helm, sandbox, drain=0)
    return replace(previews, platform=platform)


def names(previews: Previews) -> tuple[str, str]:
    options = previews.options
    first, second = (
        naming.namespace(previews.key, options.prefix, options.instance, second=second)
        for second in (False, True)
    )
    return first, second


def by(previews: Previews, run: int, beside: int = 0, **changes: Any) -> EnvironmentSpec:
    """Return the specification of one run's deployment, which says the run's number."""
    labels = naming.labels(previews.key, sha=f"{run:040d}", run=run)
    kept = Holder(beside, LAST) if beside else None
    changes = {"command": ("sh", "-c", SERVE), "env": {"NAME": f"run {run}"}, "beside": kept, **changes}
    return previews.environment(labels=labels, **changes)


async def runs(previews: Previews) -> set[int]:
    """Return the runs whose namespaces exist."""
    return {item.run for item in await previews.platform.inventory() if item.key == previews.key}


async def test_one_answers_until_the_next_has_taken_over(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    database = [ServiceSpec("db", previews.image.pinned, command=("sh", "-c", SERVE), port=8080)]
    await previews.platform.deploy(by(previews, 1, services=database), log)
    first, second = names(previews)
    waits = "until wget -q -O /dev/null http://db:8080/go.html; do sleep 0.1; done; " + SERVE

    deploying = asyncio.create_task(
        previews.platform.deploy(
            by(previews, 2, beside=1, services=database, command=("sh", "-c", waits)), log
        )
    )
    await asyncio.to_thread(wait_until, lambda: len(pods_up(cluster, second)) == 2, f"pods of {second}")

    assert visit(previews.host).text == "run 1\n"
    assert not listed(cluster, "networking.k8s.io/v1", "Ingress", second)
    parts = (await previews.platform.parts())[previews.key]
    assert {(part.run, part.name) for part in parts} == {(1, "app"), (1, "db"), (2, "app"), (2, "db")}
    suite = previews.suite("wget -qO- http://app:8080/")
    await previews.platform.run_tests(suite, log)
    assert "run 1" in log.text
    [pod] = [one for one in pods_up(cluster, second) if one.metadata.labels["chatops.part"] == "db"]
    with cluster.running(
        {"kind": "Pod", "metadata": {"name": pod.metadata.name, "namespace": second}},
        "db",
        *("touch", "/dev/shm/go.html"),
    ):
        endpoint = await deploying

    visit.until_says(previews.host, "run 2\n")
    assert await previews.platform.endpoint(previews.key) == endpoint
    await previews.platform.run_tests(suite, log)
    assert "run 2" in log.text
    await previews.platform.retire(previews.key, Holder(2))
    assert await runs(previews) == {2}
    assert not exists(cluster, first)
    visit.until_says(previews.host, "run 2\n")

    await previews.platform.deploy(by(previews, 3, beside=2), log)
    await previews.platform.retire(previews.key, Holder(3))
    visit.until_says(previews.host, "run 3\n")
    assert (exists(cluster, first), exists(cluster, second)) == (True, False)


def pods_up(cluster: Access, namespace: str) -> list[Any]:
    return [one for one in listed(cluster, "v1", "Pod", namespace) if one.status.phase == "Running"]


async def test_a_failure_leaves_the_present_one(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    first = await previews.platform.deploy(by(previews, 1), log)

    with pytest.raises(TellUser):
        await previews.platform.deploy(by(previews, 2, beside=1, command=BROKEN), log)

    assert await runs(previews) == {1}
    assert await previews.platform.endpoint(previews.key) == first
    assert visit(previews.host).text == "run 1\n"
    await previews.platform.discard(previews.key, Holder(2))
    assert visit(previews.host).text == "run 1\n"


async def test_what_an_interrupted_run_has_left_is_discarded_alone(
    previews: Previews, cluster: Access, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(by(previews, 1), log)
    first, second = names(previews)
    hanging = by(previews, 2, beside=1, command=HANGS)
    deploying = asyncio.create_task(previews.platform.deploy(hanging, log))
    await asyncio.to_thread(wait_until, lambda: pods_up(cluster, second), f"pods of {second}")
    deploying.cancel()
    with suppress(asyncio.CancelledError):
        await deploying
    assert await runs(previews) == {1, 2}
    await Routes(previews.cluster).suspend(first, 1)
    visit.until_gone(previews.host)

    await previews.platform.discard(previews.key, Holder(2))

    assert await runs(previews) == {1}
    visit.until_says(previews.host, "run 1\n")


async def test_the_new_one_is_asked_whether_it_is_ready(
    previews: Previews, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(by(previews, 1), log)
    also = ("sh", "-c", "touch /dev/shm/new; " + SERVE)

    await previews.platform.deploy(by(previews, 2, beside=1, command=also, health_path="/new"), log)

    visit.until_says(previews.host, "run 2\n")


async def test_an_outdated_run_neither_deploys_nor_removes(
    previews: Previews, visit: Visit, log: FakeLog
) -> None:
    await previews.platform.deploy(by(previews, 1), log)
    newest = await previews.platform.deploy(by(previews, 3, beside=1), log)

    with pytest.raises(Overtaken):
        await previews.platform.deploy(by(previews, 2, beside=1), log)
    await previews.platform.retire(previews.key, Holder(1, 9))
    await previews.platform.discard(previews.key, Holder(2))

    assert await runs(previews) == {1, 3}
    assert await previews.platform.endpoint(previews.key) == newest
    await previews.platform.remove(previews.key, ANYONE)
    assert await runs(previews) == set()
    visit.until_gone(previews.host)
