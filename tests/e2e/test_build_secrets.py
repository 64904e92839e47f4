"""A secret of the operator reaches the instruction that mounts it, and nothing that people can read."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import docker
import httpx
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.model.secrets import SecretStep
from bot.settings.model import SecretSettings, Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import PATIENCE

pytestmark = pytest.mark.docker

TOKEN = "correct-horse-5c1d7e02"
ENCODED = b64encode(f"bot:{TOKEN}".encode()).decode()

DOCKERFILE = """\
FROM chatops-demo-base:3.11
RUN --mount=type=secret,id=npm-token,required=true \\
    echo "the token is $(cat /run/secrets/npm-token)" \\
    && printf 'bot:%s' "$(cat /run/secrets/npm-token)" | python3 -m base64 -e
"""

CONFIG = """\
version: 1
on: {open: [build]}
build: {secrets: [npm-token]}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "npm-token"
    file.touch(0o600)
    file.write_text(TOKEN)
    return replace(settings, secrets={"npm-token": SecretSettings(("team/*",), (SecretStep.BUILD,), file)})


async def test_a_build_has_the_token_and_nobody_reads_it(
    start: Callable[[dict[str, str]], Awaitable[BotTester]], settings: Settings, sdk: docker.DockerClient
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG})
    await bot.open()
    said = await bot.read()
    async with httpx.AsyncClient(base_url=bot.bot.listeners.web.url, timeout=PATIENCE) as visitor:
        log = (await visitor.get("/api/v1/runs/1/logs/build")).text
        shown = [(await visitor.get(page)).text for page in ("/runs/1", "/api/v1/runs/1")]
    assert "the token is ***" in log, said
    assert log.count("***") == 2, "the encoded one, too"
    (image,) = sdk.images.list(filters={"label": f"{LABEL_INSTANCE}={settings.docker.instance}"})
    for text in (said, log, *shown, f"{image.attrs}{image.history()}"):
        assert TOKEN not in text
        assert ENCODED not in text


async def test_the_last_lines_of_a_failed_build_are_masked(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    failing = DOCKERFILE.replace("-m base64 -e", "-m base64 -e && exit 3")
    bot = await start({"Dockerfile": failing, ".chatops.yml": CONFIG})
    await bot.open()
    said = await bot.read()
    async with httpx.AsyncClient(base_url=bot.bot.listeners.web.url, timeout=PATIENCE) as visitor:
        shown = [(await visitor.get(page)).text for page in ("/runs/1", "/api/v1/runs/1")]
    assert "the token is ***" in said
    for text in (said, *shown):
        assert TOKEN not in text
        assert ENCODED not in text


async def test_a_mount_that_nothing_asks_for_is_answered_with_what_to_add(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE, ".chatops.yml": "version: 1\non: {open: [build]}\n"})
    await bot.open()
    said = await bot.read()
    assert "`Dockerfile:2` mounts the secret `npm-token`" in said
    assert "secrets: [npm-token]" in said
