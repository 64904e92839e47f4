"""A complete bot with the real engine, registry and git, and an offline Gitee."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.adapters import open_adapters
from bot.app.bot import running
from bot.model.text import Language
from bot.settings.model import (
    CommentsSettings,
    DockerSettings,
    GiteeSettings,
    PreviewSettings,
    RegistrySettings,
    ReposSettings,
    Secret,
    ServerSettings,
    Settings,
)
from playground.server import OfflineGitee
from tests.dialogue.tester import BOT, REPO, SECRET, BotTester
from tests.fakes.adapters import FakeWorld
from tests.fakes.buildkitd import daemon
from tests.real.fixtures import base_image, instance, registry, sdk
from tests.real.parts import RegistryProcess

__all__ = ["base_image", "daemon", "instance", "registry", "sdk"]

PATIENCE = 300.0
"""Seconds after which a test that waits for the bot fails instead of hanging."""
LONG = 600
"""A timeout in seconds for steps that end by themselves."""

SERVE = 'CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]'
RUNTIME = """\
FROM {base} AS runtime
RUN mkdir /www /reports && echo hello > /www/index.html
EXPOSE 8080
"""


@pytest.fixture
def settings(tmp_path: Path, registry: RegistryProcess, instance: str) -> Settings:
    """Return settings of a bot whose resources in the engine belong only to this test."""
    return Settings(
        server=ServerSettings(port=0, data_dir=tmp_path / "bot", public_url="https://bot.example.com"),
        gitee=GiteeSettings(webhook_secret=(Secret(SECRET),)),
        repos=ReposSettings(("team/*",)),
        # Rules for builds would also keep the pods of tests/cluster from this machine.
        docker=DockerSettings(instance=instance, build_network="none"),
        registry=RegistrySettings(url=f"http://{registry.host}", bases=(f"{registry.host}/nothing",)),
        preview=PreviewSettings(domain="test.example.com", port=0, public_port=80),
        comments=CommentsSettings(language=Language.EN, announce=False),
    )


@pytest.fixture
async def start(
    tmp_path: Path, settings: Settings, base_image: str, registry: RegistryProcess
) -> AsyncIterator[Callable[[dict[str, str]], object]]:
    """Return a function that starts a Gitee whose repository has these files, and a real bot.

    In the files, `{base}` stands for an image with a shell, httpd, nc and wget, and `{registry}` for the
    registry.
    """
    async with AsyncExitStack() as stack:

        async def begin(files: dict[str, str]) -> BotTester:
            filled = {
                path: text.replace("{base}", base_image).replace("{registry}", registry.host)
                for path, text in files.items()
            }
            gitee = await stack.enter_async_context(OfflineGitee(tmp_path / "gitee"))
            return await stack.enter_async_context(_bot(gitee, settings, filled))

        yield begin


@asynccontextmanager
async def _bot(gitee: OfflineGitee, settings: Settings, files: dict[str, str]) -> AsyncIterator[BotTester]:
    for login in ("lin", "mei", "stranger", BOT):
        gitee.add_user(login)
    members = {"lin": "admin", "mei": "write", BOT: "write"}
    await gitee.add_repository(REPO, {"README.md": "shop\n", **files}, members=members)  # type: ignore[arg-type] # literal values
    here = replace(settings, gitee=replace(settings.gitee, url=gitee.url, token=Secret(gitee.token(BOT))))
    async with open_adapters(here) as adapters, running(here, adapters) as bot:
        gitee.add_hook(REPO, f"{bot.listeners.web.url}/webhooks/gitee", SECRET)
        tester = BotTester(gitee, FakeWorld(), bot, patience=PATIENCE)
        yield tester
        await tester.idle()
        assert tester.unread() == [], "comments were left unread"
