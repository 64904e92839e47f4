"""Commands that prepare data as Jobs, in a cluster that changes while they are watched."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.core import naming
from bot.model.errors import RetryLater, TellUser
from bot.model.pipeline import SetupCommand
from bot.model.reason import Reason
from bot.model.secrets import SecretValue
from bot.ports import SetupSpec
from bot.runners.kubernetes.cluster import Cluster
from bot.runners.kubernetes.options import KubernetesOptions
from bot.runners.kubernetes.pure.manifests import JOB, POD
from bot.runners.kubernetes.setup_run import SetupRun
from bot.runners.lines import LogWriter
from tests.fakes.log import FakeLog
from tests.real.clock import AdvancingLog
from tests.runners.kubernetes_samples import KEY, environment_of
from tests.runners.kubernetes_script import NAMESPACE, Object, Script, owned, scripted, without_pauses

LABELS = naming.labels(KEY, sha="a" * 40, run=7)
COMMANDS = (SetupCommand("./migrate"), SetupCommand("echo $HOME $(A)"))
RUNNING: Object = {"running": {}}
SECRETS = [SecretValue("key", b"x"), SecretValue("word", b"y", variable="WORD")]


def ended(code: int, reason: str = "Error") -> Object:
    return {"terminated": {"exitCode": code, "reason": reason}}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator["World"]:
    async with scripted(tmp_path) as (script, cluster):
        yield World(script, cluster)


class World:
    """Jobs whose pods end as a test says."""

    def __init__(self, script: Script, cluster: Cluster) -> None:
        self.script, self.cluster, self.log = script, cluster, FakeLog()
        self.jobs: list[Object] = []
        self.states = [ended(0), ended(0)]
        script.created = self.job_is_made
        script.logs = {"setup": b"applied\n"}

    def job_is_made(self, job: Object) -> None:
        self.jobs.append(job)
        name = job["metadata"]["name"]
        statuses = [{"name": "setup", "state": self.states[len(self.jobs) - 1]}]
        labels = {"job-name": name, "chatops.role": "setup"}
        body = {
            "spec": job["spec"]["template"]["spec"],
            "status": {"containerStatuses": statuses, "phase": "Running"},
        }
        self.script.put(POD, f"{name}-a", body, labels=labels, ownerReferences=owned(job))

    def run_of(self, log: FakeLog | None = None, **changes: Any) -> SetupRun:
        spec = environment_of(
            **{
                "setup": SetupSpec((SetupCommand("./migrate"), SetupCommand("echo $HOME $(A)"))),
                "labels": LABELS,
                **changes,
            }
        )
        options = KubernetesOptions("bot")
        return SetupRun(spec, NAMESPACE, self.cluster, options, LABELS, LogWriter(log or self.log))

    async def fails(self, log: FakeLog | None = None, **changes: Any) -> TellUser:
        with pytest.raises(TellUser) as caught:
            await self.run_of(log, **changes).run()
        assert self.script.objects == {}
        return caught.value


async def test_each_command_is_a_job_that_is_removed_afterwards(world: World) -> None:
    await world.run_of().run()

    assert [job["metadata"]["name"] for job in world.jobs] == ["setup-1", "setup-2"]
    commands = [job["spec"]["template"]["spec"]["containers"][0]["command"] for job in world.jobs]
    assert commands == [["/bin/sh", "-c", "./migrate"], ["/bin/sh", "-c", "echo $$HOME $$(A)"]]
    assert world.script.objects == {}
    assert world.log.text.splitlines() == [
        "setup 1 of 2: ./migrate",
        "applied",
        "setup 1 of 2 is done",
        "setup 2 of 2: echo $HOME $(A)",
        "applied",
        "setup 2 of 2 is done",
    ]


async def test_a_job_has_what_the_service_has(world: World) -> None:
    body = world.run_of(secrets=SECRETS, restricted=True, env={"A": "b"}, memory="64m").body(
        1, SetupCommand("true")
    )

    pod = body["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert [one["name"] for one in container["env"]] == ["A", "WORD"]
    assert {one["mountPath"] for one in container["volumeMounts"]} == {"/run/secrets", "/tmp"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"]["memory"] == "64Mi"
    assert pod["automountServiceAccountToken"] is False
    assert body["metadata"]["labels"].items() >= LABELS.items()


async def test_a_failed_command_ends_the_setup(world: World) -> None:
    world.states = [ended(3)]

    error = await world.fails()

    assert (error.reason, error.facts) == (
        Reason.SETUP_FAILED,
        {"name": "setup", "command": "./migrate", "code": "3"},
    )
    assert error.log == "applied"
    assert len(world.jobs) == 1


async def test_a_command_over_its_memory_is_reported(world: World) -> None:
    world.states = [ended(137, "OOMKilled")]

    error = await world.fails(memory="64m")

    assert (error.reason, error.facts) == (Reason.OUT_OF_MEMORY, {"name": "setup", "limit": "64m"})


async def test_a_command_over_its_timeout_is_reported(world: World) -> None:
    world.states = [RUNNING]

    error = await world.fails(AdvancingLog("applied\n", 600))

    assert (error.reason, error.facts["seconds"]) == (Reason.SETUP_TIMED_OUT, "600")
    assert error.log == "applied"


async def test_an_image_without_a_shell_is_reported(world: World) -> None:
    waiting = {"reason": "CreateContainerError", "message": 'exec: "/bin/sh": no such file or directory'}
    world.states = [{"waiting": waiting}]

    error = await world.fails()

    assert (error.reason, error.facts["name"]) == (Reason.CONTAINER_UNSTARTABLE, "setup")


def gone(world: World) -> None:
    world.script.remove(POD, "setup-1-a")
    job = world.script.objects[JOB.path(NAMESPACE, "setup-1")]
    job["status"] = {"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]}


@pytest.mark.parametrize("change", [gone, lambda world: world.script.remove(JOB, "setup-1")])
async def test_an_interrupted_command_is_tried_again_later(
    world: World, change: Callable[[World], None]
) -> None:
    world.states = [RUNNING, ended(0), ended(0)]
    make = world.script.created

    def then_changes(job: Object) -> None:
        make(job)
        if len(world.jobs) == 1:
            world.script.begin({3: lambda: change(world)})

    world.script.created = then_changes
    with pytest.raises(RetryLater):
        await world.run_of().run()
    assert world.script.objects == {}

    await world.run_of().run()
    assert len(world.jobs) == 3


async def test_a_restarted_bot_resumes_the_command_of_the_same_attempt(world: World) -> None:
    body = dict(world.run_of().body(1, COMMANDS[0]))
    world.script.put(JOB, "setup-1", {"spec": body["spec"]}, labels=body["metadata"]["labels"])
    world.job_is_made(world.script.objects[JOB.path(NAMESPACE, "setup-1")])

    await world.run_of().run()

    assert [job["metadata"]["name"] for job in world.jobs] == ["setup-1", "setup-2"]
    assert "the setup Job is already running; resuming it" in world.log.text
