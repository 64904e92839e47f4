"""Fixtures: an offline Gitee, an engine that outlives the bots, and scenes in which tests start bots."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from playground import webhooks
from playground.server import OfflineGitee
from tests.crash.engine import RemoteEngine
from tests.crash.scene import REPOSITORIES, Scene
from tests.dialogue.offline import gitee_with_repository
from tests.dialogue.tester import BOT
from tests.fakes.adapters import DOCKERFILE

MEMBERS: Any = {"lin": "admin", "mei": "write", BOT: "write"}


@pytest.fixture
async def gitee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OfflineGitee]:
    monkeypatch.setattr(webhooks, "_KEPT", 1_000_000)  # the audit needs all of them
    async with gitee_with_repository(tmp_path / "gitee") as serving:
        _, other = REPOSITORIES
        await serving.add_repository(other, {"Dockerfile": DOCKERFILE, "app.py": "\n"}, members=MEMBERS)
        yield serving


@pytest.fixture
async def engine() -> AsyncIterator[RemoteEngine]:
    async with RemoteEngine() as serving:
        yield serving


@pytest.fixture
async def lone_scene(tmp_path: Path, gitee: OfflineGitee, engine: RemoteEngine) -> AsyncIterator[Scene]:
    """Provide a scene for one bot, on SQLite."""
    store_url = f"sqlite:///{tmp_path}/store/chatops.db"
    async with Scene(tmp_path / "bots", gitee, engine, store_url) as made:
        yield made


@pytest.fixture
async def shared_scene(
    tmp_path: Path, gitee: OfflineGitee, engine: RemoteEngine, postgres_url: str
) -> AsyncIterator[Scene]:
    """Provide a scene for several replicas, on PostgreSQL."""
    async with Scene(tmp_path / "bots", gitee, engine, postgres_url) as made:
        yield made
