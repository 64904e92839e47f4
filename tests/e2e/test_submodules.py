"""A preview that serves a file of a submodule, and a build that lacks one."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httpx
import pytest

from playground.git_repositories import Gitlink
from tests.dialogue.tester import BOT, REPO, BotTester
from tests.e2e.conftest import LONG, PATIENCE, RUNTIME, SERVE

pytestmark = pytest.mark.docker

Start = Callable[[dict[str, str]], Awaitable[BotTester]]
SUBMODULE = '[submodule "ui"]\n\tpath = libs/ui\n\turl = ../ui.git\n'
FILES = {
    "Dockerfile": f"{RUNTIME}COPY libs /www/libs\n{SERVE}\n",
    "libs/README": "libraries\n",
    ".chatops.yml": f"version: 1\ndeploy:\n  health: {{path: /, timeout: {LONG}}}\n",
}


async def test_a_page_shows_the_file_of_a_private_submodule(start: Start) -> None:
    bot = await start(FILES)
    sha = await private_submodule(bot)
    said = await bot.opened(files={".gitmodules": SUBMODULE, "libs/ui": Gitlink(sha)})
    assert "Preview ready" in said
    assert "The build has no" not in said
    assert await page(bot, "/libs/ui/greeting") == "from ui\n"
    assert await page(bot, "/libs/README") == "libraries\n"


@pytest.mark.attack
async def test_an_approved_pull_request_from_outside_gets_no_private_submodule(start: Start) -> None:
    bot = await start(FILES)
    sha = await private_submodule(bot)
    request = await bot.opened(
        "stranger", from_fork=True, files={".gitmodules": SUBMODULE, "libs/ui": Gitlink(sha)}
    )
    assert "ok-to-test" in request
    head = bot.gitee.pull(REPO, bot.number).head_sha
    await bot.comment(f"/ok-to-test {head}\n/deploy")
    said = "\n".join(await bot.read_all())
    assert "The build has no `libs/ui`: the repository is not public" in said
    assert (await visit(bot, "/libs/ui/greeting")).status_code == HTTPStatus.NOT_FOUND
    assert await page(bot, "/libs/README") == "libraries\n"


async def test_a_submodule_that_cannot_be_fetched_is_named(start: Start) -> None:
    bot = await start(FILES)
    said = await bot.opened(files={".gitmodules": SUBMODULE, "libs/ui": Gitlink("1" * 40)})
    assert "Preview ready" in said
    assert "The build has no `libs/ui`: the bot's account cannot read the repository" in said


async def private_submodule(bot: BotTester) -> str:
    """Add a private repository that the bot can read, and return its commit."""
    members = {"mei": "write", BOT: "read"}
    await bot.gitee.add_repository("team/ui", {"greeting": "from ui\n"}, private=True, members=members)  # type: ignore[arg-type] # literal values
    return await bot.gitee.forge.git(bot.gitee.repository("team/ui")).text("rev-parse", "master")


async def page(bot: BotTester, path: str) -> str:
    """Return what the preview shows."""
    return (await visit(bot, path)).raise_for_status().text


async def visit(bot: BotTester, path: str) -> httpx.Response:
    """Return what the preview answers."""
    url = f"{bot.bot.listeners.previews.url}{path}"
    async with httpx.AsyncClient(timeout=PATIENCE) as visitor:
        return await visitor.get(url, headers={"Host": "pr-1-shop.test.example.com"})
