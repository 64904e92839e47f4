"""Fixtures of the dialogue tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.model.text import Language
from bot.settings.model import Comments, Gitee, Preview, Repos, Server, Settings
from tests.dialogue.tester import REPO, SECRET, BotTester, bot_at, gitee_with_repository
from tests.fakes.doors import FakeWorld


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings as an operator would write them, on ports that the system chooses."""
    return Settings(
        server=Server(port=0, data_dir=tmp_path / "bot", public_url="https://bot.example.com"),
        gitee=Gitee(webhook_secret=(SecretStr(SECRET),)),
        repos=Repos(("team/*",)),
        preview=Preview(domain="test.example.com", port=0, public_port=80),
        comments=Comments(language=Language.EN, announce=False),
    )


@pytest.fixture
async def tester(tmp_path: Path, settings: Settings) -> AsyncIterator[BotTester]:
    """Give a tester whose test fails if it leaves a comment unread."""
    world = FakeWorld()
    async with gitee_with_repository(tmp_path / "gitee") as gitee, bot_at(gitee, settings, world) as bot:
        gitee.add_hook(REPO, f"{bot.local_url}/webhooks/gitee", SECRET)
        found = BotTester(gitee, world, bot)
        yield found
        await found.settled()
        assert found.unread() == [], "comments were left unread"
