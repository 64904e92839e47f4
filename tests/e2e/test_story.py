"""`chatops playground --demo-pr` as a person would start it: a process of its own, nothing in-process."""

import asyncio
import sys
import tomllib
from pathlib import Path
from typing import Any

import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from tests.real.parts import RegistryProcess

pytestmark = pytest.mark.docker

PATIENCE = 240.0


@pytest.mark.parametrize("more", [(), ("--jenkins",)])
async def test_the_whole_story_plays_and_leaves_nothing(
    tmp_path: Path, registry: RegistryProcess, sdk: docker.DockerClient, more: tuple[str, ...]
) -> None:
    story = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "playground", "--demo-pr", *more,
        "--data-dir", str(tmp_path), "--registry", f"http://{registry.host}",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
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


async def test_a_story_without_a_registry_fails_and_says_so(tmp_path: Path) -> None:
    story = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "playground", "--demo-pr",
        "--data-dir", str(tmp_path), "--registry", "http://127.0.0.1:9",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        output = (await story.communicate())[0].decode()
    assert story.returncode == 1, output
    assert "no registry answers at http://127.0.0.1:9; `make setup` starts one" in output
