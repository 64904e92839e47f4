"""A bot process that is killed while Jenkins works starts nothing twice."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from playground.jenkins.server import OfflineJenkins
from playground.jenkins.stories import gated, reporting
from playground.server import OfflineGitee
from tests.real.parts import PATIENCE, wait_until_open
from tests.real.ports import free_port

REPO, SECRET, BOT = "team/shop", "a hook's secret", "chatops-bot"
DIGEST = "sha256:" + "a" * 64
PIPELINE = 'on: {open: [build]}\nbuild: {runner: jenkins, job: "{owner}/build"}\n'


@pytest.fixture
async def gitee(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with OfflineGitee(tmp_path / "gitee") as found:
        for login in ("lin", BOT):
            found.add_user(login)
        files = {".chatops.yml": PIPELINE, "app.py": "\n"}
        await found.add_repository(REPO, files, members={"lin": "admin", BOT: "write"})
        yield found


@pytest.fixture
async def live() -> AsyncIterator[OfflineJenkins]:
    """Run a Jenkins with the real clock, because the bot uses it too."""
    async with OfflineJenkins() as found:
        found.add_user("chatops", token="11token")
        yield found


@asynccontextmanager
async def serving(config: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "serve", "--config", str(config), "--log-level", "warning"
    )
    try:
        await asyncio.to_thread(wait_until_open, f"127.0.0.1:{port}")
        yield bot
    finally:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()


def configured(folder: Path, gitee: OfflineGitee, jenkins: OfflineJenkins) -> tuple[Path, int]:
    port = free_port()
    file = folder / "chatops.toml"
    file.write_text(
        f"""\
[server]
port = {port}
data_dir = "{folder / "bot"}"
[gitee]
url = "{gitee.url}"
api_url = "{gitee.api_url}"
token = "{gitee.token(BOT)}"
webhook_secret = ["{SECRET}"]
[repos]
allow = ["team/*"]
[preview]
port = {free_port()}
[jenkins]
url = "{jenkins.url}"
user = "chatops"
token = "11token"
jobs = ["**"]
poll = 0.5
[comments]
language = "en"
"""
    )
    return file, port


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():  # noqa: ASYNC110 - the bot is another process
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("when", ["asked", "building"])
async def test_a_bot_that_is_killed_starts_nothing_twice(
    tmp_path: Path, gitee: OfflineGitee, live: OfflineJenkins, when: str
) -> None:
    gate = asyncio.Event()
    live.add_job("team/build", gated(gate, reporting(IMAGE="{CHATOPS_IMAGE}", IMAGE_DIGEST=DIGEST)))
    if when == "asked":
        # Jenkins has started the build, and the bot does not receive the response.
        live.faults.add("POST", "/buildWithParameters", after=True, hang=True)
    config, port = configured(tmp_path, gitee, live)
    gitee.add_hook(REPO, f"http://127.0.0.1:{port}/webhooks/gitee", SECRET)
    async with serving(config, port) as bot:
        number = await gitee.open_pull(REPO, "feature", files={"app.py": "1\n"}, by="lin")
        await until(lambda: live.triggers() and live.builds)
        if when == "building":
            await until(lambda: any("/build/1/" in one.body for one in gitee.comments(REPO, number, by=BOT)))
        bot.kill()
        await bot.wait()
    async with serving(config, port):
        gate.set()
        await until(lambda: any("Image built" in one.body for one in gitee.comments(REPO, number, by=BOT)))
    assert live.triggers() == 1
    assert len(live.builds) == 1
    assert len(gitee.comments(REPO, number, by=BOT)) == 1
