"""A suite in a cluster that changes while it is watched: its result is correct at any moment."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import RetryLater, TellUser
from bot.model.reason import Reason
from bot.ports import TestOutput
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure.manifests import JOB, POD
from bot.runners.kubernetes.suite import SuiteRun
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.real.clock import AdvancingLog
from tests.runners.kubernetes_samples import KEY, suite_of
from tests.runners.kubernetes_script import NAMESPACE, Object, Script, owned, said, scripted, without_pauses
from tests.runners.test_kubernetes_reports import log_of

UNIT, WAITING = "tests-unit", {"waiting": {"reason": "ContainerCreating"}}
ENDED: Object = {"terminated": {"exitCode": 3, "reason": "Error"}}
LABELS = {"job-name": UNIT, "chatops.role": "tests"}
MOMENTS = range(8)
"""Numbers of answers after the creation of the Job at which a pod may end too early."""


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator["World"]:
    async with scripted(tmp_path) as (script, cluster):
        yield World(script, cluster)


class World:
    """A Job whose pod a test controls."""

    def __init__(self, script: Script, cluster: Cluster) -> None:
        self.script, self.cluster, self.log = script, cluster, FakeLog()
        script.created = self.job_is_made
        script.logs = {"tests": b"3 failed\n", "reports": log_of({"a.xml": b"<testsuite/>"})}
        self.then: dict[int, Any] = {}

    def job_is_made(self, job: Object) -> None:
        self.job = job
        self.pod(WAITING)
        self.script.begin(self.then)

    def pod(
        self,
        state: Object,
        name: str = f"{UNIT}-a",
        owner: Object | None = None,
        created: str = "2026-05-01T12:00:00Z",
        **status: Any,
    ) -> None:
        containers = [{"name": each, "state": state} for each in ("tests", "reports")]
        spec = {"containers": [{"name": each, "image": suite_of().image} for each in ("tests", "reports")]}
        body = {"spec": spec, "status": {"containerStatuses": containers, **status}}
        references = owned(owner or self.job)
        self.script.put(POD, name, body, labels=LABELS, ownerReferences=references, creationTimestamp=created)

    def job_fails(self) -> None:
        self.job["status"] = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}

    def tests_fail(self) -> None:
        self.pod(ENDED, phase="Failed")
        self.job_fails()

    def pod_goes(self) -> None:
        self.script.remove(POD, f"{UNIT}-a")
        self.job_fails()

    def pod_is_evicted(self) -> None:
        self.pod({}, phase="Failed", reason="Evicted", message="The node was low on resource: memory.")
        self.script.objects[POD.path(NAMESPACE, f"{UNIT}-a")]["status"]["containerStatuses"] = []
        self.job_fails()

    def pod_is_killed_with_its_node(self) -> None:
        self.pod(ENDED, phase="Failed", reason="Terminated", message="Pod was terminated by the node.")
        self.job_fails()

    async def run(self, **changes: Any) -> TestOutput:
        labels = naming.labels(KEY, sha="a" * 40, run=7)
        suite = SuiteRun(
            suite_of(**changes),
            NAMESPACE,
            self.cluster,
            KubernetesOptions("bot"),
            labels,
            LogWriter(self.log),
        )
        return await suite.run()

    @property
    def left(self) -> list[str]:
        return [path for path in self.script.objects if "/events/" not in path]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_failed_tests_deliver_their_report_at_any_moment(world: World, moment: int) -> None:
    world.then = {moment: world.tests_fail}

    output = await world.run()

    assert output == TestOutput(3, {"a.xml": b"<testsuite/>"})
    assert world.log.text == "3 failed\n"
    assert world.left == []


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("pod_goes", "the tests pod is gone"),
        ("pod_is_evicted", "Evicted: The node was low on resource: memory."),
        ("pod_is_killed_with_its_node", "Terminated: Pod was terminated by the node."),
    ],
)
async def test_a_deleted_pod_is_not_a_failed_test_and_the_next_attempt_starts_again(
    world: World, end: str, expected: str, moment: int
) -> None:
    world.then = {moment: getattr(world, end)}

    with pytest.raises(RetryLater, match="tests") as caught:
        await world.run()

    assert caught.value.facts["message"].endswith(expected)
    assert world.left == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_pod_deleted_while_its_output_is_read_is_not_a_failed_test(world: World, moment: int) -> None:
    world.then = {0: lambda: world.pod({"running": {}}), moment + 1: world.pod_goes}

    with pytest.raises(RetryLater):
        await world.run()

    assert world.left == []


async def test_a_deleted_job_is_created_again_by_the_next_attempt(world: World) -> None:
    world.then = {2: lambda: world.script.remove(JOB, UNIT)}

    with pytest.raises(RetryLater, match="tests"):
        await world.run()


async def test_pods_of_a_former_job_are_ignored(world: World) -> None:
    before = {"metadata": {"uid": "uid-of-another"}}
    world.then = {
        0: lambda: world.pod({"running": {}}, name=f"{UNIT}-0", owner=before),
        7: lambda: world.script.remove(POD, f"{UNIT}-0"),
        8: world.tests_fail,
    }

    output = await world.run()

    assert output.exit_code == 3


async def test_of_two_pods_of_one_job_the_first_counts(world: World) -> None:
    def another() -> None:
        world.script.remove(POD, f"{UNIT}-a")
        world.pod({"terminated": {"exitCode": 0}}, f"{UNIT}-0", created="2026-05-01T12:00:01Z")
        world.pod(ENDED)

    world.then = {0: another}

    assert (await world.run()).exit_code == 3


async def test_events_of_a_former_job_and_temporary_problems_are_ignored(world: World) -> None:
    def refused(message: str, uid: str) -> None:
        said(world.script, UNIT, "FailedCreate", f'pods "x" is forbidden: {message}', kind="Job", uid=uid)

    world.then = {
        0: lambda: world.script.remove(POD, f"{UNIT}-a"),
        1: lambda: refused("exceeded quota: chatops", "uid-of-another"),
        2: lambda: refused("status unknown for quota: chatops, resources: pods", f"uid-of-{UNIT}"),
        11: world.tests_fail,
    }

    output = await world.run()

    assert output.exit_code == 3


async def test_a_refused_pod_is_reported(world: World) -> None:
    world.then = {
        0: lambda: world.script.remove(POD, f"{UNIT}-a"),
        8: lambda: said(world.script, UNIT, "FailedCreate", "exceeded quota: chatops", kind="Job"),
    }

    with pytest.raises(TellUser) as caught:
        await world.run()

    assert caught.value.reason is Reason.QUOTA_EXCEEDED


@pytest.mark.parametrize("moment", [7, 8, 9])
async def test_a_missing_image_is_reported_with_a_late_message_of_the_registry(
    world: World, moment: int
) -> None:
    pull = f'Failed to pull image "{suite_of().image}": rpc error: code = Unknown desc = manifest unknown'
    backs_off = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{suite_of().image}"'}
    world.then = {
        4: lambda: world.pod({"waiting": backs_off}),
        moment: lambda: said(world.script, f"{UNIT}-a", "Failed", pull),
    }

    with pytest.raises(TellUser) as caught:
        await world.run()

    assert caught.value.reason is Reason.IMAGE_PULL_FAILED
    assert caught.value.facts["message"] == "manifest unknown"


async def test_a_suite_over_its_timeout_is_reported_with_its_output(world: World) -> None:
    world.script.logs["tests"] = b"begun\n"
    world.then = {0: lambda: world.pod({"running": {}})}
    world.log = AdvancingLog("begun", 600)

    with pytest.raises(TellUser) as caught:
        await world.run(timeout=600)

    assert caught.value.reason is Reason.TIMED_OUT
    assert caught.value.facts == {"step": "test", "seconds": "600"}
    assert caught.value.log == "begun"
    assert world.left == []
