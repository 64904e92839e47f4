"""A replica that hangs while it deploys with the real engine, and wakes when its successor has deployed."""

from typing import Any

import aiohttp
import docker
import pytest
from docker.errors import DockerException
from docker.models.containers import Container

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import RunState
from tests.crash.fleet import Replica
from tests.crash.scene import Scene
from tests.crash.test_nemesis import LIMITS
from tests.dialogue.tester import REPO
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.parts import RegistryProcess

__all__ = ["base_image", "instance", "registry", "sdk"]

pytestmark = pytest.mark.docker

GATE = "/tmp/go"
CONFIG = "version: 1\ndeploy:\n  health: {path: /, timeout: 300}\n"
RECIPE = f"""\
FROM {{base}}
RUN mkdir /www && echo hello > /www/index.html
EXPOSE 8080
CMD ["/bin/sh", "-c", "until test -e {GATE}; do sleep 0.1; done; exec httpd -f -p 8080 -h /www"]
"""


@pytest.fixture
async def scene(shared_scene: Scene, base_image: str, registry: RegistryProcess, instance: str) -> Scene:
    files: Any = {"Dockerfile": RECIPE.format(base=base_image), ".chatops.yml": CONFIG}
    await shared_scene.gitee.commit(REPO, "master", files, by="lin")
    shared_scene.remote = False
    docker_ = {"instance": instance, "build_network": "none"}
    kept = {"url": f"http://{registry.host}"}
    await shared_scene.start(2, docker=docker_, registry=kept, limits=LIMITS)
    return shared_scene


def apps(sdk: docker.DockerClient, instance: str) -> list[Container]:
    wanted: Any = {"label": [f"{LABEL_INSTANCE}={instance}", "chatops.role=app"], "status": "running"}
    return sdk.containers.list(filters=wanted, ignore_removed=True)


def opened(container: Container) -> bool:
    """Let the service of a container answer; False if it has not started far enough."""
    try:
        return container.exec_run(["touch", GATE]).exit_code == 0
    except DockerException:
        return False


def holder(scene: Scene) -> tuple[Replica, Replica]:
    """Return the replica that executes the only run, and the other one."""
    (busy,) = [one for one in scene.replicas if one.name in scene.ledger.holders()]
    (other,) = [one for one in scene.replicas if one is not busy]
    return busy, other


async def visited(replica: Replica) -> int:
    headers = {"Host": "pr-1-shop.test.example.com"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{replica.previews}/", headers=headers) as answer,
    ):
        return answer.status


async def test_a_replica_that_wakes_leaves_its_successors_environment_alone(
    scene: Scene, sdk: docker.DockerClient, instance: str
) -> None:
    await scene.open()
    await scene.until(lambda: apps(sdk, instance))
    (first,) = apps(sdk, instance)
    busy, successor = holder(scene)
    busy.freeze()
    await scene.until(lambda: [one for one in apps(sdk, instance) if one.id != first.id])
    (second,) = apps(sdk, instance)
    await scene.until(lambda: opened(second))
    await scene.until(lambda: [run.state for run in scene.ledger.runs()] == [RunState.PASSED])
    assert await visited(successor) == 200

    before = busy.name
    busy.thaw()
    await scene.until(lambda: busy.name != before)  # It joins again once it has dropped its work.
    await scene.idle()

    assert [one.id for one in apps(sdk, instance)] == [second.id]
    assert await visited(successor) == 200
    (comment,) = scene.comments()
    assert "passed" in comment or "ready" in comment
