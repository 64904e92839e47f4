"""An offline Gitee, an engine that outlives the bots, and as many bots as a test asks for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.playground import webhooks
from bot.playground.server import OfflineGitee
from tests.crash.engine import FarEngine
from tests.crash.scene import Scene
from tests.dialogue.offline import gitee_with_repository


@pytest.fixture
async def gitee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OfflineGitee]:
    monkeypatch.setattr(webhooks, "_KEPT", 1_000_000)  # the account is drawn over all of them
    async with gitee_with_repository(tmp_path / "gitee") as serving:
        yield serving


@pytest.fixture
async def engine() -> AsyncIterator[FarEngine]:
    async with FarEngine() as serving:
        yield serving


@pytest.fixture
async def scene(
    tmp_path: Path, gitee: OfflineGitee, engine: FarEngine, store_url: str
) -> AsyncIterator[Scene]:
    """Give a scene on each kind of database in turn."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Scene(tmp_path / "bots", gitee, engine, store_url))


@pytest.fixture
async def shared_scene(
    tmp_path: Path, gitee: OfflineGitee, engine: FarEngine, postgres_url: str
) -> AsyncIterator[Scene]:
    """Give a scene for several replicas."""
    async with Scene(tmp_path / "bots", gitee, engine, postgres_url) as made:
        yield made
