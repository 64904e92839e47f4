"""A preview with a real engine answers while it is deployed again, whether that succeeds or fails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Any

import aiohttp
import docker
import pytest

from bot.core.naming import LABEL_INSTANCE
from bot.settings.model import Settings
from tests.dialogue.tester import BotTester
from tests.e2e.conftest import RUNTIME, SERVE

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]

GOOD = RUNTIME + SERVE + "\n"
BAD = RUNTIME + 'CMD ["sh", "-c", "echo no config >&2; exit 4"]\n'
HOST = "pr-1-shop.test.example.com"


async def visit(bot: BotTester, session: aiohttp.ClientSession) -> str:
    async with session.get(bot.bot.listeners.previews.url, headers={"Host": HOST}) as response:
        return (await response.text()).strip() if response.status == 200 else str(response.status)


@asynccontextmanager
async def visitors(bot: BotTester) -> AsyncIterator[list[str]]:
    """Ask for the preview without a pause within the block, and give all answers."""
    answers: list[str] = []

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                answers.append(await visit(bot, session))

    asking = asyncio.create_task(ask())
    try:
        yield answers
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


def containers(sdk: docker.DockerClient, settings: Settings) -> int:
    wanted: Any = {"label": f"{LABEL_INSTANCE}={settings.docker.instance}"}
    return len(sdk.containers.list(all=True, filters=wanted))


async def test_a_preview_answers_without_a_gap(
    start: Start, sdk: docker.DockerClient, settings: Settings, base_image: str
) -> None:
    good, bad = (text.replace("{base}", base_image) for text in (GOOD, BAD))
    bot = await start({"Dockerfile": good})
    await bot.open()
    assert "Preview ready" in await bot.read()
    first = bot.head

    async with visitors(bot) as answers:
        await bot.push(files={"Dockerfile": bad})
        said = await bot.living(2)
        assert "Container `app` exited right after it started, with code 4." in said
        assert f"The preview still shows commit `{first[:8]}`." in said
        assert f"`{first[:8]}`" in await bot.says("/status")
        assert containers(sdk, settings) == 1

        await bot.push(files={"Dockerfile": good.replace("hello", "welcome")})
        assert "Preview ready" in await bot.living(3)
        async with aiohttp.ClientSession() as session:
            assert await visit(bot, session) == "welcome"

    assert [answer for answer, _ in groupby(answers)] in (["hello", "welcome"], ["hello"]), Counter(answers)
    assert len(answers) > 1
    assert containers(sdk, settings) == 1
