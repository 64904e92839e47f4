"""What becomes of a preview after it was ready, with a real engine."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import docker
import pytest

from bot.core.environments import health
from bot.core.naming import LABEL_INSTANCE
from bot.settings.model import Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import RUNTIME, SERVE

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

DOCKERFILE = RUNTIME + SERVE + "\n"
CRASHES = health.RESTARTS + 1
"""One more than needed: the first may be before the first look."""


def container(sdk: docker.DockerClient, settings: Settings) -> Any:
    """Return the only container of the bot."""
    wanted: Any = {"label": f"{LABEL_INSTANCE}={settings.docker.instance}"}
    [found] = sdk.containers.list(all=True, filters=wanted)
    return found


async def look(bot: BotTester) -> None:
    """Do what the bot does every 30 seconds, and wait until the comments are up to date."""
    [task] = [task for task in bot.bot.reconciling.tasks if task.name == "preview health"]
    await task.do()
    await bot.idle()


async def crash(bot: BotTester, app: Any) -> None:
    """Kill all processes of a container from within, and wait until the engine has restarted it."""
    before = app.attrs["RestartCount"]

    async def restarted() -> bool:
        await asyncio.to_thread(app.reload)
        return bool(app.attrs["RestartCount"] > before and app.status == "running")

    await asyncio.to_thread(app.exec_run, ["sh", "-c", "kill -9 -1"])
    await bot.until(restarted)


async def test_a_service_that_keeps_crashing_is_not_called_ready(
    start: Start, sdk: docker.DockerClient, settings: Settings
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE})
    await bot.open()
    assert "Preview ready" in await bot.read()
    app = container(sdk, settings)
    await look(bot)

    for _ in range(CRASHES):
        await crash(bot, app)
        await look(bot)

    said = await bot.living(1)
    assert said.startswith("⚠️ **The preview has stopped working**"), said
    assert "Container `app` exited" in said
    assert "with code 137" in said
    assert "`/deploy`" in said


async def test_a_preview_that_is_removed_by_hand_is_not_called_ready(
    start: Start, sdk: docker.DockerClient, settings: Settings
) -> None:
    bot = await start({"Dockerfile": DOCKERFILE})
    await bot.open()
    assert "Preview ready" in await bot.read()
    await look(bot)
    assert "Preview ready" in await bot.living(1)

    container(sdk, settings).remove(force=True)
    await look(bot)

    said = await bot.living(1)
    assert said.startswith("⚠️ **The preview is gone**"), said
    assert "removed, but not by the bot" in said
    assert "Preview ready" in await bot.says("/deploy")
