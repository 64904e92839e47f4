"""The merge of a pull request into its base branch, from the offline Gitee and on the real engine."""

from collections.abc import Awaitable, Callable

import pytest

from tests.dialogue.tester import REPO, BotTester
from tests.e2e.conftest import LONG
from tests.e2e.test_submodules import page

pytestmark = pytest.mark.docker

DOCKERFILE = """\
FROM {base} AS runtime
COPY . /www
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""
CONFIG = f"version: 1\nref: merge\ndeploy: {{health: {{path: /, timeout: {LONG}}}}}\n"
FILES = {"Dockerfile": DOCKERFILE, ".chatops.yml": CONFIG, "index.html": "one\n", "base": "old\n"}


async def test_the_preview_has_what_the_base_branch_got_since(
    start: Callable[[dict[str, str]], Awaitable[BotTester]],
) -> None:
    bot = await start(FILES)
    await bot.gitee.open_pull(REPO, "feature", files={"index.html": "two\n"}, by="mei", title="Two")
    bot.number = 1
    assert "into the base branch at" in await bot.read()
    await bot.gitee.commit(REPO, "master", {"base": "new\n"}, by="lin")
    assert await page(bot, "/base") == "old\n"

    said = await bot.says("/deploy")

    merge = await bot.gitee.forge.git(bot.gitee.repository(REPO)).text("rev-parse", "refs/pull/1/MERGE")
    assert f"`pr-1-{merge[:8]}`" in said, said
    assert await page(bot, "/base") == "new\n"
    assert await page(bot, "/index.html") == "two\n"
    await bot.gitee.commit(REPO, "master", {"index.html": "three\n"}, by="lin")
    said = await bot.says("/deploy")
    assert "conflicts with the base branch" in said, said
    assert "`index.html`" in said, said
