"""A repository on a git server, and a source that fetches from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gitee.source import GitSource
from tests.source.upstream import TOKEN, Upstream


@pytest.fixture
async def upstream(tmp_path: Path) -> AsyncIterator[Upstream]:
    """Run a git server with an empty repository."""
    made = Upstream(tmp_path / "upstream")
    application = web.Application(client_max_size=1 << 24)
    application.router.add_route("*", "/{path:.*}", made.serve)
    server = TestServer(application)
    await server.start_server()
    made.url = str(server.make_url("/lin/guestbook.git"))
    yield made
    await server.close()


@pytest.fixture
def source(tmp_path: Path, upstream: Upstream) -> GitSource:
    """Provide a source with an empty cache and this server as its Gitee."""
    return GitSource(tmp_path / "cache", upstream.url.removesuffix("/lin/guestbook.git"), TOKEN)
