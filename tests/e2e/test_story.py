"""`chatops playground --demo-pr` as a separate process."""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from tests.e2e.command import playground
from tests.real.parts import RegistryProcess
from tests.real.ports import free_port

pytestmark = pytest.mark.docker

PATIENCE = 900.0
"""Seconds after which a test that waits for a whole story fails instead of hanging."""


def ports() -> list[str]:
    """Reserve the ports: a free port that the playground finds by itself is not reserved until it is used."""
    options = ("--port", "--bot-port", "--preview-port", "--jenkins-port")
    return [word for option in options for word in (option, str(free_port()))]


@pytest.mark.parametrize("more", [(), ("--jenkins",)])
async def test_the_whole_story_runs_and_leaves_nothing(
    tmp_path: Path, registry: RegistryProcess, sdk: docker.DockerClient, more: tuple[str, ...]
) -> None:
    async with (
        playground(tmp_path, registry, "--demo-pr", *more, *ports()) as story,
        asyncio.timeout(PATIENCE),
    ):
        output = (await story.communicate())[0].decode()
    assert story.returncode == 0, output
    assert "✓ everything happened" in output
    assert ("Jenkins built and tested it" in output) is ("--jenkins" in more)
    for words in ("chatops:run=1", "chatops:run=4", "tests.test_ago::test_hours", "环境已清理"):
        assert words in output
    written = tomllib.loads((tmp_path / "chatops.toml").read_text())
    wanted: Any = {"label": f"{LABEL_INSTANCE}={written['docker']['instance']}"}
    assert sdk.containers.list(all=True, filters=wanted) == []
    assert sdk.networks.list(filters=wanted) == []
    assert sdk.images.list(filters=wanted) == []


async def test_a_story_without_a_registry_fails_with_an_error(tmp_path: Path) -> None:
    unreachable = f"127.0.0.1:{free_port()}"
    async with playground(tmp_path, unreachable, "--demo-pr") as story, asyncio.timeout(PATIENCE):
        output = (await story.communicate())[0].decode()
    assert story.returncode == 1, output
    assert f"there is no registry at http://{unreachable}; `make setup` starts one" in output
