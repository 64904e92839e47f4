"""A rollout that changes while it is watched, with temporary problems of the cluster."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.model.errors import TellUser
from bot.model.reason import Reason
from bot.runners.kubernetes import rollout_watcher
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.pure.manifests import DEPLOYMENT, JOB, POD, REPLICA_SET
from bot.runners.kubernetes.rollout_watcher import (
    STARTUP_SECONDS,
    TRANSIENT_SECONDS,
    RolloutTarget,
    RolloutWatcher,
)
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.runners.kubernetes_samples import IMAGE
from tests.runners.kubernetes_script import NAMESPACE, Object, Script, owned, said, scripted, without_pauses

CACHE = "failed to sync secret cache: timed out waiting for the condition"
QUOTA = 'pods "web-5d-" is forbidden: status unknown for quota: chatops, resources: pods'
BACK_OFF = f'Back-off pulling image "{IMAGE.pinned}"'
ONE_LOOK = 4
"""Answers in one check: owners, replica sets, pods, events."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["World"]:
    async with scripted(tmp_path) as (script, cluster):
        found = World(script, cluster)
        monkeypatch.setattr(rollout_watcher, "now", lambda: found.time)
        yield found


class World:
    """A deployment of one pod, and its changes."""

    def __init__(self, script: Script, cluster: Cluster) -> None:
        self.script, self.cluster, self.time = script, cluster, 0.0
        self.deployment = script.put(DEPLOYMENT, "web", {"spec": {"replicas": 1}}, generation=2)
        self.deployment["status"] = {"observedGeneration": 2}
        self.replica_set = self._replica_set("web-5d", 2)
        self.pod(waiting("ContainerCreating"))

    def pod(self, state: Object, name: str = "web-5d-x", owner: Object | None = None, **rest: Any) -> None:
        status = {"name": "web", "ready": False, "state": state, **rest}
        spec = {"containers": [{"name": "web", "image": IMAGE.pinned}]}
        body = {"spec": spec, "status": {"containerStatuses": [status]}}
        self.script.put(POD, name, body, ownerReferences=owned(owner or self.replica_set))

    def former_pod(self, state: Object) -> None:
        """Add a pod of the former deployment."""
        self.pod(state, "web-4c-x", self._replica_set("web-4c", 1))

    def refuse_pods(self) -> None:
        self.script.remove(POD, "web-5d-x")
        failing = {"type": "ReplicaFailure", "status": "True", "message": QUOTA}
        self.replica_set["status"] = {"conditions": [failing]}
        said(self.script, "web-5d", "FailedCreate", QUOTA, kind="ReplicaSet")

    def make_pods(self) -> None:
        self.replica_set["status"] = {}
        self.is_up()

    def is_up(self) -> None:
        self.pod({"running": {}})
        self.deployment["status"] |= {"updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}

    def run_hook(self) -> None:
        self.job = self.script.put(JOB, "migrate", {})
        self._hook_pod({"running": {}})

    def make_hook(self) -> None:
        """Create a hook without a status."""
        self.run_hook()
        self.script.objects[POD.path(NAMESPACE, "migrate-x")]["status"] = {}

    def fail_hook(self) -> None:
        self._hook_pod({"terminated": {"exitCode": 4}})
        self.job["status"] = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}

    def passes(self, seconds: float) -> Callable[[], None]:
        """Return a function that advances the clock."""

        def pass_() -> None:
            self.time += seconds

        return pass_

    async def until_up(self, *names: str, seconds: float = 30, after: dict[int, Callable[[], None]]) -> None:
        hooks = frozenset({("Job", "migrate")}) if hasattr(self, "job") else frozenset()
        target = RolloutTarget(
            frozenset(("Deployment", name) for name in ("web", *names)), "web", seconds, hooks
        )
        self.script.begin(after)
        await RolloutWatcher(self.cluster, NAMESPACE, LogWriter(FakeLog())).until_up(target)

    async def trouble(self, **how: Any) -> TellUser:
        with pytest.raises(TellUser) as caught:
            await self.until_up(**how)
        return caught.value

    def _replica_set(self, name: str, revision: int) -> Object:
        notes = {"deployment.kubernetes.io/revision": str(revision)}
        references = owned(self.deployment)
        body = {"spec": {"replicas": 1}}
        return self.script.put(REPLICA_SET, name, body, ownerReferences=references, annotations=notes)

    def _hook_pod(self, state: Object) -> None:
        body = {"status": {"containerStatuses": [{"name": "migrate", "state": state}]}}
        labels = {"job-name": "migrate"}
        self.script.put(POD, "migrate-x", body, labels=labels, ownerReferences=owned(self.job))


def waiting(why: str, message: str = "") -> Object:
    return {"waiting": {"reason": why, "message": message}}


def unconfigured(world: World, message: str) -> Callable[[], None]:
    return lambda: world.pod(waiting("CreateContainerConfigError", message))


async def test_a_pending_config_error_is_awaited_until_the_node_names_the_missing_object(
    world: World,
) -> None:
    after = {
        0: unconfigured(world, CACHE),
        2 * ONE_LOOK: world.passes(TRANSIENT_SECONDS),
        3 * ONE_LOOK: unconfigured(world, 'secret "gone" not found'),
    }

    error = await world.trouble(after=after)

    assert error.reason is Reason.CONTAINER_UNSTARTABLE
    assert error.facts == {"name": "web", "message": 'secret "gone" not found'}


async def test_an_object_that_the_node_reads_later_is_not_an_error(world: World) -> None:
    await world.until_up(after={0: unconfigured(world, CACHE), 2 * ONE_LOOK: world.is_up})


async def test_a_lasting_problem_is_reported(world: World) -> None:
    error = await world.trouble(
        after={0: unconfigured(world, CACHE), 2 * ONE_LOOK: world.passes(TRANSIENT_SECONDS + 1)}
    )

    assert error.facts == {"name": "web", "message": CACHE}


async def test_each_temporary_problem_has_its_own_time_limit(world: World) -> None:
    after = {
        0: unconfigured(world, CACHE),
        ONE_LOOK: world.passes(TRANSIENT_SECONDS),
        2 * ONE_LOOK: lambda: world.pod(waiting("ContainerCreating")),
        3 * ONE_LOOK: unconfigured(world, CACHE),
        4 * ONE_LOOK: world.passes(TRANSIENT_SECONDS),
        5 * ONE_LOOK: world.is_up,
    }

    await world.until_up(after=after)


async def test_a_quota_without_a_status_is_not_an_error(world: World) -> None:
    world.refuse_pods()

    await world.until_up(after={2 * ONE_LOOK: world.make_pods})


@pytest.mark.parametrize("moment", range(2 * ONE_LOOK))
async def test_the_output_of_a_failed_hook_is_reported_at_any_moment(world: World, moment: int) -> None:
    world.make_hook()
    world.script.logs["migrate"] = b"no such table\n"

    error = await world.trouble(after={moment: world.fail_hook})

    assert (error.reason, error.log) == (Reason.HOOK_FAILED, "no such table")


@pytest.mark.parametrize(
    "said",
    [
        b'failed to try resolving symlinks in path "/var/log/pods/x/web/0.log": no such file or directory',
        b"unable to retrieve container logs for docker://35cc58ef7cc4",
    ],
)
async def test_what_a_node_says_of_a_log_that_it_has_removed_is_no_output(world: World, said: bytes) -> None:
    world.script.logs["web"] = said
    watcher = RolloutWatcher(world.cluster, NAMESPACE, LogWriter(FakeLog()))

    assert await watcher.output("web-5d-x", "web", previous=True) == []


async def test_the_bot_waits_briefly_for_the_registrys_message(world: World) -> None:
    pull = f'Failed to pull image "{IMAGE.pinned}": rpc error: code = Unknown desc = manifest unknown'
    after = {
        0: lambda: world.pod(waiting("ImagePullBackOff", BACK_OFF)),
        2 * ONE_LOOK: lambda: said(world.script, "web-5d-x", "Failed", pull),
    }

    assert (await world.trouble(after=after)).facts["message"] == "manifest unknown"


async def test_without_the_registrys_message_the_pull_backoff_is_reported(world: World) -> None:
    after = {
        0: lambda: world.pod(waiting("ImagePullBackOff", BACK_OFF)),
        2 * ONE_LOOK: world.passes(TRANSIENT_SECONDS + 1),
    }

    assert (await world.trouble(after=after)).facts["message"] == BACK_OFF


async def test_the_health_timeout_does_not_run_during_hooks(world: World) -> None:
    world.run_hook()
    world.script.remove(POD, "web-5d-x")
    after = {ONE_LOOK: world.passes(100), 2 * ONE_LOOK: world.is_up}

    await world.until_up(seconds=5, after=after)


async def test_the_health_timeout_does_not_run_before_all_objects_are_applied(world: World) -> None:
    def is_up_too() -> None:
        status = {"updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
        world.script.put(DEPLOYMENT, "db", {"status": status})

    world.is_up()
    after = {ONE_LOOK: world.passes(100), 2 * ONE_LOOK: is_up_too}

    await world.until_up("db", seconds=5, after=after)


async def test_the_health_timeout_does_not_run_while_only_former_pods_run(world: World) -> None:
    world.former_pod({"running": {}})
    after = {ONE_LOOK: world.passes(100), 2 * ONE_LOOK: world.is_up}

    await world.until_up(seconds=5, after=after)


async def test_the_health_timeout_runs_once_all_pods_run(world: World) -> None:
    after = {
        0: world.passes(100),
        ONE_LOOK: lambda: world.pod({"running": {}}),
        2 * ONE_LOOK: world.passes(6),
    }

    error = await world.trouble(seconds=5, after=after)

    assert error.reason is Reason.UNHEALTHY
    assert len(world.script.asked) < 4 * ONE_LOOK


async def test_scheduling_and_pulling_have_a_time_limit(world: World) -> None:
    error = await world.trouble(seconds=5, after={ONE_LOOK: world.passes(STARTUP_SECONDS + 6)})

    assert error.reason is Reason.UNHEALTHY


@pytest.mark.parametrize("observed", [1, 2])
async def test_problems_of_former_pods_are_ignored(world: World, observed: int) -> None:
    last = {"terminated": {"exitCode": 1, "reason": "Error"}}
    if observed == 1:
        # The deployment has been applied, and its controller has not processed it yet.
        world.deployment["status"]["observedGeneration"] = 1
        world.script.remove(REPLICA_SET, "web-5d")
        world.pod(waiting("CrashLoopBackOff"), "web-4c-x", world._replica_set("web-4c", 1), lastState=last)
    else:
        world.former_pod(waiting("CrashLoopBackOff"))

    def comes_up() -> None:
        world.deployment["status"]["observedGeneration"] = 2
        world.is_up()

    await world.until_up(after={2 * ONE_LOOK: comes_up})


@pytest.mark.parametrize("role", ["setup", "tests"])
async def test_a_pod_that_an_interrupted_job_has_left_is_none_of_the_rollout(world: World, role: str) -> None:
    world.pod(waiting("InvalidImageName"), f"{role}-x")
    world.script.objects[POD.path(NAMESPACE, f"{role}-x")]["metadata"]["labels"] = {"chatops.role": role}

    await world.until_up(after={2 * ONE_LOOK: world.is_up})
    world.script.remove(POD, "web-5d-x")
    await RolloutWatcher(world.cluster, NAMESPACE, LogWriter(FakeLog())).until_empty()
