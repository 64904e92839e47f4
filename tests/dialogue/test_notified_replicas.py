"""Several replicas on one PostgreSQL that never poll: what one of them receives wakes the others."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app.bot import Bot
from bot.engine import poll_loop
from bot.model.delivery import Delivery, Trigger
from bot.model.forge import RepoPath
from bot.model.run import RunState
from bot.settings.model import Settings, StoreSettings
from bot.store.records import Store
from playground.server import OfflineGitee
from tests.dialogue.offline import gitee_with_repository
from tests.dialogue.test_pages_of_replicas import eventually, replica
from tests.dialogue.tester import BOT, REPO, SECRET
from tests.fakes.adapters import PATIENCE, FakeWorld

NEVER = PATIENCE * 10


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
async def gitee(tmp_path: Path) -> AsyncIterator[OfflineGitee]:
    async with gitee_with_repository(tmp_path / "gitee") as serving:
        yield serving


@pytest.fixture
async def bots(  # noqa: PLR0917 - pytest gives them by name
    tmp_path: Path,
    settings: Settings,
    postgres_url: str,
    gitee: OfflineGitee,
    world: FakeWorld,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[list[Bot]]:
    monkeypatch.setattr(poll_loop, "POLL_SECONDS", NEVER)
    monkeypatch.setattr(poll_loop, "IDLE_POLL_SECONDS", NEVER)
    shared = replace(settings, store=StoreSettings(SecretStr(postgres_url)))
    async with AsyncExitStack() as stack:
        places = [replace(shared.server, data_dir=tmp_path / name) for name in ("one", "two")]
        yield [
            await stack.enter_async_context(replica(gitee, replace(shared, server=place), world))
            for place in places
        ]


async def test_a_stop_reaches_the_replica_that_executes_the_run(
    bots: list[Bot], gitee: OfflineGitee, world: FakeWorld
) -> None:
    gate = world.script.hold("build")
    gitee.add_hook(REPO, f"{bots[0].listeners.web.url}/webhooks/gitee", SECRET)
    number = await gitee.open_pull(REPO, "mei-1", files={"app.py": "\n"}, by="mei", title="Add a cart")
    await gate.reached()
    (entry,) = await bots[0].store.runs.queue()
    (other,) = [bot for bot in bots if bot.membership.lease.replica != entry.holder]
    gitee.repository(REPO).hooks.clear()
    gitee.add_hook(REPO, f"{other.listeners.web.url}/webhooks/gitee", SECRET)
    await gitee.comment(REPO, number, "/cancel", by="lin")

    async def cancelled() -> bool:
        run = await other.store.runs.run(entry.id)
        return run is not None and run.state is RunState.CANCELLED

    await eventually(cancelled)


async def test_a_delivery_is_decided_by_replicas_that_did_not_receive_it(
    bots: list[Bot], gitee: OfflineGitee, postgres_url: str
) -> None:
    number = await gitee.open_pull(REPO, "mei-1", files={"app.py": "\n"}, by="mei", title="Add a cart")
    asked = await gitee.comment(REPO, number, "/help", by="lin")
    receiver = await Store.open(postgres_url)
    repo, now = RepoPath.parse(REPO), datetime.now(UTC)
    await receiver.arrivals.accept(Delivery("one", Trigger.COMMENT, repo, number, now, comment_id=asked))

    async def decided() -> bool:
        return not await bots[0].store.inbox.pending_pulls()

    await eventually(decided)
    assert len(gitee.comments(REPO, number, by=BOT)) == 1
    await receiver.close()


async def test_a_postponed_delivery_is_decided_when_it_is_due(
    bots: list[Bot], gitee: OfflineGitee, postgres_url: str
) -> None:
    number = await gitee.open_pull(REPO, "mei-1", files={"app.py": "\n"}, by="mei", title="Add a cart")
    asked = await gitee.comment(REPO, number, "/help", by="lin")
    gitee.faults.add("GET", f"/pulls/{number}$", status=404)
    receiver = await Store.open(postgres_url)
    repo, now = RepoPath.parse(REPO), datetime.now(UTC)
    await receiver.arrivals.accept(Delivery("one", Trigger.COMMENT, repo, number, now, comment_id=asked))

    async def answered() -> bool:
        return bool(gitee.comments(REPO, number, by=BOT))

    await eventually(answered)
    await receiver.close()
