"""Attacks on the machine's memory, processes and disk, with a real engine."""

import asyncio
import contextlib
import html
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.disk import FreeSpace
from bot.model.environment import EnvironmentState
from bot.model.errors import RetryLater, TellUser
from bot.model.reason import Reason
from bot.model.run import RunState
from bot.runners.docker.builder import DockerBuilder
from bot.runners.docker.disk_usage import DiskUsage
from bot.runners.docker.engine import DockerEngine
from bot.runners.docker.engine_space import EngineSpace, measured
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import Settings
from tests.dialogue.offline import visitor
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import RUNTIME, SERVE, start
from tests.e2e.conftest import settings as usual_settings
from tests.fakes.log import FakeLog
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.parts import BUSYBOX, PATIENCE, order
from tests.real.second_engine import SecondEngine, second_engine

__all__ = ["base_image", "instance", "registry", "sdk", "start", "usual_settings"]

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN {command}
"""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondEngine]:
    """Start an engine as on a fresh machine, with the limits of `make setup`."""
    with second_engine(tmp_path_factory.mktemp("engine")) as started:
        yield started


Measure = Callable[[Path], FreeSpace]


async def build(engine: SecondEngine, folder: Path, command: str, measure: Measure = measured) -> FakeLog:
    """Build an image with one RUN instruction and return the log."""
    connected, log = await DockerEngine.connect(engine.host), FakeLog()
    space = EngineSpace(DiskUsage(connected, "test"), 1 << 30, measure)
    files: dict[str, bytes | str] = {
        "Dockerfile": DOCKERFILE.format(command=command),
        "busybox": BUSYBOX.read_bytes(),
    }
    try:
        builder = DockerBuilder(connected, ProcessSandbox(), instance="test", network="none", space=space)
        await builder.build(order(folder, "attack:1", files), log)
    finally:
        await connected.close()
    return log


async def test_a_build_cannot_start_more_processes_than_the_limit(
    limited: SecondEngine, tmp_path: Path
) -> None:
    with pytest.raises(TellUser):
        await build(limited, tmp_path, "i=0; while [ $i -lt 700 ]; do sleep 600 & i=$((i+1)); done")
    assert limited.cgroup_file("pids", "pids.max").read_text() == "512\n"
    await build(limited, tmp_path, "echo fine")


async def test_a_build_cannot_take_more_memory_than_the_limit(limited: SecondEngine, tmp_path: Path) -> None:
    with pytest.raises(TellUser):
        await build(limited, tmp_path, "dd if=/dev/zero of=/dev/null bs=2300M count=1")
    await build(limited, tmp_path, "echo fine")


def written(folder: Path) -> int:
    """Return the size of the largest file in the layers of an engine."""
    sizes = [0]
    for parent, _, names in os.walk(folder / "overlay2"):
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(os.lstat(f"{parent}/{name}").st_size)
    return max(sizes)


async def test_a_build_that_fills_the_disk_is_stopped_and_leaves_nothing(
    limited: SecondEngine, tmp_path: Path
) -> None:
    folders: list[Path] = []

    def a_small_disk(folder: Path) -> FreeSpace:
        folders.append(folder)
        return replace(measured(folder), free=0 if written(folder) > 32 << 20 else 1 << 40)

    with pytest.raises(RetryLater) as caught:
        await build(limited, tmp_path, f"{FILL.format(file='/big')}; sleep 600", a_small_disk)
    assert caught.value.reason is Reason.DISK_FULL

    async with asyncio.timeout(PATIENCE):
        while written(folders[0]) > 32 << 20:  # noqa: ASYNC110 - the engine removes the layer by and by
            await asyncio.sleep(0.05)
    await build(limited, tmp_path, "echo fine", a_small_disk)


FILL = "dd if=/dev/zero of={file} bs=1M count=64"
"""Writes twice as much as the settings of these tests allow."""
KEPT_ALIVE = "{command}; sleep 600"


@pytest.fixture
def settings(usual_settings: Settings) -> Settings:
    return replace(usual_settings, docker=replace(usual_settings.docker, disk_max="32m"))


@asynccontextmanager
async def watching(bot: BotTester) -> AsyncIterator[None]:
    """Repeat the periodic task that stops writers, without its pauses."""
    [task] = [task for task in bot.bot.reconciling.tasks if task.name == "disk writers"]

    async def repeat() -> None:
        while True:
            await task.do()
            await asyncio.sleep(0.05)

    repeating = asyncio.create_task(repeat())
    try:
        yield
    finally:
        repeating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await repeating


WRITTEN_TO = {
    "the root file system": ("", "/big", ""),
    "a volume of the image": ("", "/data/big", "VOLUME /data\n"),
    "a deleted file": ("exec 3> /gone; rm /gone; ", "/proc/self/fd/3", ""),
}


@pytest.mark.docker
@pytest.mark.parametrize("file", WRITTEN_TO)
async def test_a_suite_that_fills_the_disk_is_stopped(start: Start, file: str) -> None:
    before, path, volume = WRITTEN_TO[file]
    command = before + KEPT_ALIVE.format(command=FILL.format(file=path))
    tests = f'FROM runtime AS test\n{volume}CMD ["sh", "-c", "{command}"]\n'
    bot = await start({"Dockerfile": f"{RUNTIME}{SERVE}\n{tests}"})

    async with watching(bot):
        await bot.open()
        said = await bot.read()

    words = r"`default` wrote \d+(\.\d)? MB to its disk, more than its limit of 33\.6 MB"
    assert re.search(words, html.unescape(said)), said
    assert "`[docker] disk_max`" in said
    assert (await bot.preview()).state is EnvironmentState.READY


def container(sdk: docker.DockerClient, settings: Settings) -> Any:
    """Return the only container of the bot."""
    wanted: Any = {"label": f"{LABEL_INSTANCE}={settings.docker.instance}"}
    [found] = sdk.containers.list(filters=wanted)
    return found


def exists(sdk: docker.DockerClient, volume: str) -> bool:
    """Return whether the engine has a volume."""
    return any(found.name == volume for found in sdk.volumes.list())


async def written_to_its_volume(
    start: Start, settings: Settings, sdk: docker.DockerClient, command: str
) -> tuple[BotTester, Any]:
    """Open a pull request, and run a command in its preview; return the bot and the preview's container."""
    bot = await start({"Dockerfile": f"{RUNTIME}VOLUME /data\n{SERVE}\n"})
    await bot.open()
    await bot.read()
    app = container(sdk, settings)
    await asyncio.to_thread(app.exec_run, command.split())
    return bot, app


@pytest.mark.docker
async def test_a_preview_that_fills_its_volume_is_removed_and_its_pull_request_says_so(
    start: Start, settings: Settings, sdk: docker.DockerClient
) -> None:
    bot, app = await written_to_its_volume(start, settings, sdk, FILL.format(file="/data/big"))
    volume = app.attrs["Mounts"][0]["Name"]

    async with watching(bot):
        said = await bot.sees("was removed")
        async with asyncio.timeout(PATIENCE):
            while await asyncio.to_thread(exists, sdk, volume):  # noqa: ASYNC110 - the engine removes it by and by
                await asyncio.sleep(0.05)
    words = r"`app` wrote 67(\.\d)? MB to its disk, and the limit is 33\.6 MB"
    assert re.search(words, html.unescape(said)), said
    assert (await bot.preview()).state is EnvironmentState.FAILED

    assert "Preview ready" in await bot.says("/deploy")


@pytest.mark.docker
async def test_on_a_full_disk_nothing_starts_but_webhooks_are_accepted(
    start: Start, settings: Settings, sdk: docker.DockerClient
) -> None:
    command = "dd if=/dev/zero of=/data/some bs=1M count=8"
    bot, _ = await written_to_its_volume(start, settings, sdk, command)
    space, measure = bot.bot.deps.disk, bot.bot.deps.disk.measure

    async def full() -> tuple[FreeSpace, ...]:
        return tuple(replace(found, free=1000) for found in await measure())

    space.measure = full
    await space.reconcile()
    await bot.comment("/build")
    await bot.sees("waiting for free disk space")
    async with visitor(bot.bot.listeners.web.url) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 200, ready.text
        assert "no run starts" in ready.json()["parts"]["disk"]["message"]
        assert "chatops_disk_free_bytes{" in (await client.get("/metrics")).text
    async with watching(bot):
        removed = html.unescape(await bot.sees("was removed"))
    assert "`app` wrote 8.4 MB to its disk, and the machine's disk is nearly full" in removed

    space.measure = measure
    await space.reconcile()
    await bot.sees("Image built")
    assert [run.state for run in await bot.runs()] == [RunState.PASSED] * 2
