"""Orphans in a real engine and a real registry are removed; resources in use are kept."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
from click.testing import CliRunner

from bot.cli import main
from bot.core import naming
from bot.model.environment import EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.runners.docker import labels
from bot.settings.model import Settings, SweepSettings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import PATIENCE, RUNTIME, SERVE
from tests.real.parts import RegistryProcess, build_image, tar

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

STRANGE = EnvironmentKey(RepoPath("team", "shop"), 1, "staging")
DOCKERFILE = RUNTIME + SERVE + "\n"
HOST = {"Host": "pr-1-shop.test.example.com"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return settings with an age of one second, and with sweeps only on request of the test."""
    return replace(settings, sweep=SweepSettings(enabled=False, age="1s"))


@dataclass(frozen=True)
class Engine:
    """The engine, with orphans that the test creates and counts."""

    sdk: docker.DockerClient
    instance: str
    image: str

    def leave_behind(self) -> None:
        """Create the resources that the first run may leave behind if its bot is killed."""
        marks = {**labels.of_environment(self.instance, STRANGE), naming.LABEL_RUN: "1"}
        network = self.sdk.networks.create(f"{self.instance}-stray", internal=True, labels=marks)
        self._run(marks, network=network.name, name=f"{self.instance}-app")
        self._run({**marks, labels.LABEL_ROLE: "tests"})
        recipe = f"FROM {self.image}\nENV STRAY={self.instance}\n"
        build_image(
            self.sdk, fileobj=io.BytesIO(tar({"Dockerfile": recipe})), custom_context=True, labels=marks
        )

    def _run(self, marks: dict[str, str], **rest: Any) -> None:
        self.sdk.containers.run(self.image, ["sleep", "600"], detach=True, labels=marks, **rest)

    @property
    def extra_items(self) -> int:
        """Number of orphans that still exist."""
        wanted: Any = labels.matching(labels.of_environment(self.instance, STRANGE))
        return (
            len(self.sdk.containers.list(all=True, filters=wanted, ignore_removed=True))
            + len(self.sdk.networks.list(filters=wanted))
            + len(self.sdk.images.list(filters=wanted))
        )


@pytest.fixture
def engine(sdk: docker.DockerClient, instance: str, base_image: str) -> Engine:
    return Engine(sdk, instance, base_image)


async def answer(tester: BotTester) -> int:
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        return (await visitor.get(tester.bot.listeners.previews.url, headers=HOST)).status_code


async def test_orphans_are_removed_and_the_preview_is_kept(start: Start, engine: Engine) -> None:
    tester = await start({"Dockerfile": DOCKERFILE})
    await tester.open()
    assert "Preview ready" in await tester.read()
    engine.leave_behind()
    assert engine.extra_items == 4

    async def swept() -> bool:
        await tester.bot.reconciling.sweep.run()
        return engine.extra_items == 0

    await tester.until(swept)
    assert await answer(tester) == 200


async def test_a_preview_whose_container_was_removed_by_hand_counts_as_failed(
    start: Start, sdk: docker.DockerClient, instance: str
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE})
    await tester.open()
    await tester.read()
    for container in sdk.containers.list(filters={"label": f"{naming.LABEL_INSTANCE}={instance}"}):
        container.remove(force=True)

    async def noticed() -> bool:
        await tester.bot.reconciling.sweep.run()
        (environment,) = await tester.bot.store.pulls.environments()
        return environment.state is EnvironmentState.FAILED

    async def cleared() -> bool:
        await tester.bot.reconciling.sweep.run()
        return not sdk.networks.list(filters={"label": f"{naming.LABEL_INSTANCE}={instance}"})

    await tester.until(noticed)
    # The engine may still count a removed container as attached to a network for a moment.
    await tester.until(cleared)
    await tester.says("/deploy")
    assert await answer(tester) == 200


async def test_a_tag_pushed_after_the_close_is_deleted(
    start: Start, sdk: docker.DockerClient, registry: RegistryProcess, base_image: str
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE})
    await tester.open()
    await tester.read()
    await tester.close()
    await tester.read_all()
    repository = f"{registry.host}/chatops/team/shop"
    for tag in ("pr-1-0badcafe", "pr-98-0badcafe"):
        # A different image for each tag: an image with another tag is never deleted.
        recipe = f"FROM {base_image}\nENV TAG={tag}\n"
        content = io.BytesIO(tar({"Dockerfile": recipe}))
        build_image(sdk, fileobj=content, custom_context=True, tag=f"{repository}:{tag}")
        sdk.images.push(repository, tag)
        sdk.images.remove(f"{repository}:{tag}")

    async def tags() -> set[str]:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            listed = await client.get(f"http://{registry.host}/v2/chatops/team/shop/tags/list")
        return set(listed.json().get("tags") or ())

    async def swept() -> bool:
        await tester.bot.reconciling.sweep.run()
        return "pr-1-0badcafe" not in await tags()

    assert {"pr-1-0badcafe", "pr-98-0badcafe"} <= await tags()
    await tester.until(swept)
    assert "pr-98-0badcafe" in await tags()


async def test_gc_works_beside_a_running_bot(
    start: Start, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    tester = await start({"Dockerfile": DOCKERFILE})
    await tester.open()
    await tester.read()
    engine.leave_behind()
    config = tmp_path / "chatops.toml"
    sections = {
        "server": {"data_dir": str(settings.server.data_dir)},
        "docker": {"instance": engine.instance},
        "registry": {"url": settings.registry.url},
        "sweep": {"age": "1s"},
    }
    config.write_text(
        "\n".join(
            f"[{section}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())
            for section, values in sections.items()
        )
    )

    async def gc(*options: str) -> str:
        arguments = ["gc", "--config", str(config), *options]
        result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    async def lists_all() -> bool:
        return (await gc("--dry-run")).count("team/shop!1: docker") == 4

    await tester.until(lists_all)
    assert engine.extra_items == 4
    output = await gc()
    assert f"docker container {engine.instance}-app" in output

    async def cleared() -> bool:
        await gc()
        return engine.extra_items == 0

    await tester.until(cleared)
    assert "no orphaned resources" in await gc()
    assert await answer(tester) == 200
