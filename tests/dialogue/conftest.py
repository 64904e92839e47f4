"""Fixtures of the dialogue tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from jinja2 import Environment
from pydantic import SecretStr

from bot.app import engine, reconciling
from bot.engine.replicas.membership import Membership
from bot.engine.replicas.periodic_tasks import PeriodicTasks
from bot.model.pipeline import RunnerName
from bot.model.text import Language
from bot.render import renderer
from bot.runners.jenkins.build_follower import JenkinsTimeouts
from bot.runners.jenkins.client import JenkinsClient, JenkinsOptions
from bot.runners.jenkins.jobs import JenkinsJobs
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import (
    CommentsSettings,
    GiteeSettings,
    PreviewSettings,
    ReposSettings,
    ServerSettings,
    Settings,
    SweepSettings,
)
from playground import webhooks
from playground.jenkins.server import OfflineJenkins
from tests.dialogue.offline import OfflineTester, gitee_with_repository
from tests.dialogue.tester import REPO, SECRET
from tests.fakes.adapters import PATIENCE, FakeWorld


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Share compiled templates between the bots of a session: they are most of a bot's start."""
    made: dict[tuple[Language, tuple[Path, ...]], Environment] = {}
    compile_all = renderer._environment

    def shared(folders: Sequence[Path], language: Language) -> Environment:
        key = language, tuple(folders)
        if key not in made:
            made[key] = compile_all(folders, language)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "_environment", shared)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_machine_clock() -> Iterator[None]:
    """Make these tests independent of the machine's clock.

    Periodic tasks run when a bot starts and when a test calls them. A lease does not expire on a busy
    machine, and Gitee waits for slow receivers. tests/engine tests leases with its own clock.
    """

    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "PeriodicTasks", partial(PeriodicTasks, sleep=never))
        patch.setattr(engine, "Membership", partial(Membership, monotonic=lambda: 0.0))
        patch.setattr(webhooks, "TIMEOUT", PATIENCE)
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings as an operator would write them, on ports that the system chooses."""
    return Settings(
        server=ServerSettings(port=0, data_dir=tmp_path / "bot", public_url="https://bot.example.com"),
        # The tests' clock runs ahead of Gitee's, so webhooks need a wide window.
        gitee=GiteeSettings(webhook_secret=(SecretStr(SECRET),), window=3600),
        repos=ReposSettings(("team/*",)),
        preview=PreviewSettings(domain="test.example.com", port=0, public_port=80),
        comments=CommentsSettings(language=Language.EN, announce=False),
        # Tests run each sweep themselves.
        sweep=SweepSettings(enabled=False, age="1s"),
    )


@pytest.fixture
async def tester(tmp_path: Path, settings: Settings) -> AsyncIterator[OfflineTester]:
    """Give a tester whose test fails if it leaves a comment unread."""
    async with gitee_with_repository(tmp_path / "gitee") as gitee:
        hook = gitee.add_hook(REPO, "http://bot.invalid", SECRET)
        found = OfflineTester(gitee, FakeWorld(), settings=settings, hook=hook)
        await found.start()
        try:
            yield found
            await found.idle()
            assert found.unread() == [], "comments were left unread"
        finally:
            await found.stop()


@pytest.fixture
async def jenkins(tester: OfflineTester) -> AsyncIterator[OfflineJenkins]:
    """Give the tester's bot a Jenkins."""
    clock = tester.clock
    async with OfflineJenkins(now=lambda: clock.now().timestamp(), sleep=clock.sleep) as found:
        found.add_user("chatops", token="11token")
        client = JenkinsClient(JenkinsOptions(found.url, "chatops", "11token"))
        tester.world.jobs[RunnerName.JENKINS] = JenkinsJobs(
            client, found.url, ("{owner}/**",), clock, ProcessSandbox(), JenkinsTimeouts(), clock.sleep
        )
        yield found
        await client.close()
