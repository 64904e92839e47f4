"""Several replicas on one PostgreSQL: the pages of each show the running runs of all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bot.app.adapters import Adapters, open_file_store
from bot.app.bot import Bot, running
from bot.gitee.client import GiteeClient
from bot.gitee.transport import Transport
from bot.reports.files import RunFiles
from bot.sandbox.process import ProcessSandbox
from bot.settings.model import Settings, StoreSettings
from bot.store.database import Database
from playground.server import OfflineGitee
from tests.dialogue.offline import gitee_with_repository, visitor
from tests.dialogue.tester import BOT, REPO, SECRET
from tests.fakes.adapters import PATIENCE, FakeWorld, Gate

RUN = 1


@asynccontextmanager
async def replica(gitee: OfflineGitee, settings: Settings, world: FakeWorld) -> AsyncIterator[Bot]:
    """Run one bot with the file store of its settings."""
    chosen = replace(settings, gitee=replace(settings.gitee, url=gitee.url))
    client = GiteeClient(Transport(chosen.gitee.api, gitee.token(BOT), ProcessSandbox()))
    try:
        async with open_file_store(chosen, Database(chosen.store_url)) as store:
            files = RunFiles(store, ProcessSandbox())
            adapters = Adapters(client, replace(world.adapters(), reports=files), files)
            async with running(chosen, adapters) as bot:
                yield bot
    finally:
        await client.aclose()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - a page can only be asked for
            await asyncio.sleep(0.02)


@dataclass
class Pair:
    """Two replicas that share only the database, and the gate at which a build waits."""

    bots: tuple[Bot, Bot]
    gate: Gate

    @asynccontextmanager
    async def visitors(self) -> AsyncIterator[list[httpx.AsyncClient]]:
        """Provide an HTTP client for the pages of each replica."""
        async with AsyncExitStack() as stack:
            clients = [visitor(bot.listeners.web.url) for bot in self.bots]
            yield [await stack.enter_async_context(client) for client in clients]


@pytest.fixture
async def pair(tmp_path: Path, settings: Settings, postgres_url: str) -> AsyncIterator[Pair]:
    """Provide replicas with a run whose build has written its first output."""
    world = FakeWorld()
    gate = world.script.hold("build")
    shared = replace(settings, store=StoreSettings(SecretStr(postgres_url)))
    async with AsyncExitStack() as stack:
        gitee = await stack.enter_async_context(gitee_with_repository(tmp_path / "gitee"))
        places = [replace(shared.server, data_dir=tmp_path / name) for name in ("one", "two")]
        one, two = [
            await stack.enter_async_context(replica(gitee, replace(shared, server=place), world))
            for place in places
        ]
        gitee.add_hook(REPO, f"{one.listeners.web.url}/webhooks/gitee", SECRET)
        await gitee.open_pull(REPO, "mei-1", files={"app.py": "\n"}, by="mei", title="Add a cart")
        await gate.reached()
        yield Pair((one, two), gate)


async def test_a_log_is_followed_on_each_replica_while_its_step_runs(pair: Pair) -> None:
    async with pair.visitors() as visitors:
        for visitor in visitors:

            async def shown(visitor: httpx.AsyncClient = visitor) -> bool:
                return ">building registry.example.com" in (await visitor.get(f"/runs/{RUN}")).text

            await eventually(shown)
            piece = (await visitor.get(f"/api/v1/runs/{RUN}/logs/build", params={"offset": 9})).json()
            assert "\nbuilding registry.example.com" in piece["text"]
            assert not piece["ended"]


async def test_a_log_is_complete_on_each_replica_once_its_step_has_ended(pair: Pair) -> None:
    pair.gate.open()
    async with pair.visitors() as visitors:

        async def over() -> bool:
            steps = (await visitors[1].get(f"/api/v1/runs/{RUN}")).json()["steps"]
            return bool(steps[0]["finished_at"])

        await eventually(over)
        for visitor in visitors:
            log = (await visitor.get(f"/runs/{RUN}/logs/build.txt")).text
            assert log.endswith("@sha256:" + "d" * 64 + "\n")


async def test_a_report_is_read_on_each_replica(pair: Pair) -> None:
    pair.gate.open()
    async with pair.visitors() as visitors:

        async def final() -> bool:
            return bool((await visitors[1].get(f"/api/v1/runs/{RUN}")).json()["final"])

        await eventually(final)
        for visitor in visitors:
            assert "adds" in (await visitor.get(f"/reports/{RUN}/")).text
