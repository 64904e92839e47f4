"""Attacks on the limit of what containers write, with a real engine: who is over it is found."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE, LABEL_NUMBER, LABEL_REPO
from bot.core.runs import disk_space
from bot.runners.docker.container import (
    ContainerKind,
    ContainerLimits,
    ContainerSpec,
    configuration,
    without_quota,
)
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import DockerEngine
from tests.attack import disk_tricks
from tests.real.fixtures import engine, instance, sdk
from tests.real.parts import PATIENCE

__all__ = ["engine", "instance", "sdk"]

pytestmark = pytest.mark.docker

LIMIT = 40 << 20
SOURCE = Path(disk_tricks.__file__).read_text("utf-8")
Run = Callable[[str], Any]


@pytest.fixture
def run(sdk: docker.DockerClient, instance: str) -> Run:
    """Return a function that starts a container like those of test suites, which does a trick."""

    def start(trick: str) -> Any:
        spec = ContainerSpec(
            kind=ContainerKind.TESTS,
            alias="tests",
            image="chatops-demo-base:3.11",
            network="none",
            memory="256m",
            labels={LABEL_INSTANCE: instance, LABEL_REPO: "team/shop", LABEL_NUMBER: "1"},
            command=("python3", "-c", SOURCE, trick, str(2 * LIMIT)),
        )
        body = without_quota(configuration(spec, ContainerLimits()))
        body["HostConfig"]["LogConfig"] = {"Type": "json-file"}
        body |= {"Volumes": {"/data": {}}, "User": "0", "NetworkingConfig": {}}
        api: Any = sdk.api
        made = sdk.containers.get(api.create_container_from_config(body)["Id"])
        made.start()
        return made

    return start


async def over(usage: DiskUsage, *, lacking: int) -> set[str]:
    """Return the containers that are to be stopped."""
    return {one.id for one in disk_space.to_stop(await usage.written(), LIMIT, lacking)}


@pytest.mark.parametrize("trick", disk_tricks.TRICKS)
async def test_a_writer_is_found_and_its_neighbour_is_not(
    run: Run, engine: DockerEngine, instance: str, trick: str
) -> None:
    usage = DiskUsage(engine, instance, LIMIT)
    honest = await asyncio.to_thread(run, "nothing")
    await said(honest, b"done")
    writer = await asyncio.to_thread(run, trick)

    async with asyncio.timeout(PATIENCE):
        while not (found := await over(usage, lacking=0)):
            assert await asyncio.to_thread(running, writer), writer.logs()
            await asyncio.sleep(0.05)

    assert found == {writer.id}
    assert await over(usage, lacking=1 << 50) == {writer.id}, "also while the disk is full"
    assert await usage.kill(writer.id)
    assert await usage.size(writer.id) > LIMIT, "its run says why it was killed"


async def said(container: Any, word: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while word not in await asyncio.to_thread(container.logs):
            assert await asyncio.to_thread(running, container), container.logs()
            await asyncio.sleep(0.05)


def running(container: Any) -> bool:
    container.reload()
    return bool(container.status == "running")
