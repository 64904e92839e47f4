"""A bot that is killed at random moments while it uses the real engine and registry."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.run import RunState
from playground.server import OfflineGitee
from tests.crash.engine import RemoteEngine
from tests.crash.evidence import quiet
from tests.crash.faults import READY_FIRST
from tests.crash.nemesis import IDLE
from tests.crash.scene import Scene
from tests.crash.test_nemesis import LIMITS, SEED
from tests.crash.traffic import STARTING, Fate, Traffic
from tests.dialogue.tester import REPO
from tests.e2e.conftest import RUNTIME, SERVE
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.parts import RegistryProcess

__all__ = ["base_image", "instance", "registry", "sdk"]

pytestmark = pytest.mark.docker

SUITE = 'sleep 0.5; echo \'<testsuite name="unit"><testcase name="adds"/></testsuite>\' > $JUNIT_PATH'
CONFIG = f"version: 1\ndeploy:\n  health: {{path: /, timeout: 20}}\ntest:\n  command: {json.dumps(SUITE)}\n"
RECIPE = f"{RUNTIME}RUN sleep 0.5\n{SERVE}\nFROM runtime AS test\nVOLUME /reports\n"
FAULTS = int(os.environ.get("FAULTS", "10"))
LIFE = 3.0
"""Longest time in seconds between two kills, about the duration of a run."""


@pytest.fixture
async def scene(
    tmp_path: Path, gitee: OfflineGitee, base_image: str, registry: RegistryProcess, instance: str
) -> AsyncIterator[Scene]:
    files: Any = {"Dockerfile": RECIPE.format(base=base_image), ".chatops.yml": CONFIG}
    await gitee.commit(REPO, "master", files, by="lin")
    store_url = f"sqlite:///{tmp_path}/store/chatops.db"
    async with Scene(tmp_path / "bots", gitee, RemoteEngine(), store_url, remote=False) as made:
        # A killed bot leaves its rules for builds, which would close the whole default bridge.
        docker_ = {"instance": instance, "build_network": "none"}
        kept = {"url": f"http://{registry.host}"}
        await made.start(docker=docker_, registry=kept, limits=LIMITS)
        yield made


def containers(sdk: docker.DockerClient, instance: str) -> list[str]:
    wanted: Any = {"label": f"{LABEL_INSTANCE}={instance}"}
    return [str(container.name) for container in sdk.containers.list(all=True, filters=wanted)]


async def test_real_runs_survive_kills_and_leave_nothing_behind(
    scene: Scene, sdk: docker.DockerClient, instance: str
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - no secret
    traffic = Traffic(scene, chance)
    (bot,) = scene.replicas
    numbers = [await scene.open() for _ in range(2)]
    traffic.fates |= {(REPO, number): Fate.COMMANDED for number in numbers}
    for _ in range(FAULTS):
        if chance.random() < 0.4:
            await scene.gitee.comment(REPO, chance.choice(numbers), chance.choice(STARTING), by="lin")
        if chance.random() < READY_FIRST:
            await bot.ready()
            with suppress(TimeoutError):
                await scene.until(scene.ledger.running, IDLE)
        await asyncio.sleep(chance.uniform(0, LIFE))
        await bot.kill()
        bot.start()
    assert await quiet(scene, traffic) == [], f"SEED={SEED}"
    assert {run.state for run in scene.ledger.runs()} == {RunState.PASSED}, f"SEED={SEED}"
    assert len(containers(sdk, instance)) == len(numbers), "one environment each, and nothing else"
    for number in numbers:
        await scene.gitee.close(REPO, number, by="mei")
    await scene.idle()
    assert containers(sdk, instance) == []
    wanted: Any = {"label": f"{LABEL_INSTANCE}={instance}"}
    assert sdk.networks.list(filters=wanted) == []
    assert sdk.images.list(filters=wanted) == []
