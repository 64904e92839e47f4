"""A preview that serves a file in Git LFS, from the offline Gitee."""

import pytest

from tests.dialogue.tester import REPO
from tests.e2e.conftest import LONG, RUNTIME, SERVE
from tests.e2e.test_submodules import Start, page

pytestmark = pytest.mark.docker

FILES = {
    "Dockerfile": f"{RUNTIME}COPY logo.png /www/\n{SERVE}\n",
    ".gitattributes": "*.png filter=lfs diff=lfs merge=lfs -text\n",
    "logo.png": "none yet",
    ".chatops.yml": f"version: 1\ndeploy:\n  health: {{path: /, timeout: {LONG}}}\n",
}


async def test_a_page_shows_a_file_in_lfs(start: Start) -> None:
    bot = await start(FILES)
    pointer = bot.gitee.add_lfs_object(REPO, b"the logo, large\n" * 5000)

    said = await bot.opened(files={"logo.png": pointer})

    assert "Preview ready" in said, said
    assert "The build has no" not in said
    assert await page(bot, "/logo.png") == "the logo, large\n" * 5000
