"""A bot leaves alone what another bot has deployed on a real engine, and adopts it if its store is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import httpx
import pytest

from bot.app.adapters import open_adapters
from bot.app.bot import running
from bot.core import naming
from bot.core.reconciling.ownership import LASTS
from bot.model.environment import EnvironmentState
from bot.settings.model import Secret, Settings
from playground.server import OfflineGitee
from playground.state import Hook
from tests.dialogue.tester import BOT, REPO, SECRET, BotTester
from tests.e2e.conftest import PATIENCE, RUNTIME, SERVE
from tests.fakes.adapters import FakeWorld

pytestmark = pytest.mark.docker

MINUTE = timedelta(minutes=1)
HOST = {"Host": "pr-1-shop.test.example.com"}


@dataclass(frozen=True)
class Ahead:
    """A clock that is ahead."""

    by: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@asynccontextmanager
async def gitee_with(folder: Path, dockerfile: str) -> AsyncIterator[tuple[OfflineGitee, Hook]]:
    async with OfflineGitee(folder) as gitee:
        for login in ("lin", "mei", BOT):
            gitee.add_user(login)
        await gitee.add_repository(
            REPO, {"Dockerfile": dockerfile}, members={"lin": "admin", "mei": "write", BOT: "write"}
        )
        yield gitee, gitee.add_hook(REPO, "http://bot.invalid", SECRET)


@asynccontextmanager
async def bot_of(
    gitee: OfflineGitee, hook: Hook | None, settings: Settings, clock: Ahead | None = None
) -> AsyncIterator[BotTester]:
    chosen = replace(
        settings, gitee=replace(settings.gitee, url=gitee.url, token=Secret(gitee.token(BOT)), window=3600)
    )
    async with open_adapters(chosen) as adapters, running(chosen, adapters, clock=clock) as bot:
        if hook is not None:
            hook.url = f"{bot.listeners.web.url}/webhooks/gitee"
        yield BotTester(gitee, FakeWorld(), bot, patience=PATIENCE)


async def test_a_preview_survives_a_second_bot_and_the_loss_of_the_store(  # noqa: PLR0917 - fixtures
    tmp_path: Path,
    settings: Settings,
    base_image: str,
    sdk: docker.DockerClient,
    instance: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def containers() -> list[str]:
        found = sdk.containers.list(filters={"label": f"{naming.LABEL_INSTANCE}={instance}"})
        return [str(one.id) for one in found]

    dockerfile = (RUNTIME + SERVE + "\n").replace("{base}", base_image)
    async with gitee_with(tmp_path / "gitee", dockerfile) as (gitee, hook):
        async with bot_of(gitee, hook, settings) as tester:
            await tester.open()
            assert "Preview ready" in await tester.read()
            await tester.bot.reconciling.ownership.reconcile()
            before = await tester.preview()
            [container] = containers()
            # Another bot with this instance, for which everything is old enough to be removed.
            other = replace(settings, server=replace(settings.server, data_dir=tmp_path / "other"))
            async with bot_of(gitee, None, other, Ahead(LASTS - MINUTE)) as beside:
                await beside.bot.reconciling.sweep.garbage.collect()
                assert await beside.bot.store.pulls.environments() == ()
            assert "another bot has the same instance" in caplog.text
            assert containers() == [container]
        for file in settings.server.data_dir.glob("chatops.db*"):
            file.unlink()
        async with bot_of(gitee, hook, settings, Ahead(LASTS + MINUTE)) as tester:
            await tester.bot.reconciling.sweep.garbage.collect()
            found = await tester.preview()
            assert (found.state, found.run) == (EnvironmentState.READY, 0)
            assert (found.endpoint, found.sha, found.host) == (before.endpoint, before.sha, before.host)
            assert found.expires_at == before.expires_at.replace(microsecond=0)
            async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
                answer = await visitor.get(tester.bot.listeners.previews.url, headers=HOST)
            assert answer.text == "hello\n"
            assert containers() == [container]
            tester.number = 1
            await tester.comment("/teardown")
            await tester.sees("Environment torn down")
            await tester.idle()
            assert containers() == []
