"""An offline Gitee with four people and one repository, its API's clients, and a webhook receiver."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from playground.git_repositories import Files
from playground.server import OfflineGitee
from tests.playground.receiving import REPO, Api, Receiver
from tests.real.parts import PATIENCE

FILES = {"README.md": "# shop\n", "src/app.py": "print('hi')\n", "run.sh": "#!/bin/sh\necho hi\n"}


@pytest.fixture
async def gitee(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    changes: dict[str, Files] = {"feature": {"new.txt": "new\n"}, "fix": {"new.txt": "better\n"}}
    async with OfflineGitee(tmp_path / "gitee", changes={REPO: changes}) as gitee:
        for login in ("lin", "mei", "stranger", "chatops-bot"):
            gitee.add_user(login)
        await gitee.add_repository(
            REPO, FILES, members={"lin": "admin", "mei": "write", "chatops-bot": "admin"}, name="小店"
        )
        yield gitee


@pytest.fixture
async def api(gitee: OfflineGitee) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        clients: dict[str | None, httpx.AsyncClient] = {}
        for login in ("lin", "mei", "stranger", "chatops-bot", None):
            headers = {"Authorization": f"Bearer {gitee.token(login)}"} if login else {}
            client = httpx.AsyncClient(
                base_url=gitee.api_url, headers=headers, trust_env=False, timeout=PATIENCE
            )
            clients[login] = await stack.enter_async_context(client)
        yield clients.__getitem__


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application(client_max_size=2**22)
    application.router.add_post("/", receiver.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def pull(gitee: OfflineGitee) -> int:
    """Open a pull request by mei that edits, adds, renames and deletes files."""
    files = {
        "src/app.py": "print('hello')\n",
        "docs/中文 name.md": "text\n",
        "README.md": None,
        "READ.md": "# shop\n",
        "run.sh": None,
    }
    return await gitee.open_pull(REPO, "feature", files=files, by="mei", title="A feature", body="Why\r\n")
