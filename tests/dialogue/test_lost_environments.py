"""A bot that has lost its store, or got an older one back, adopts the previews that it finds."""

import logging
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.reconciling import ownership
from bot.engine.reconciling import adoption
from bot.gitee.client import GiteeClient
from bot.model.audit import AuditFilter
from bot.model.environment import Endpoint, EnvironmentKey, EnvironmentState
from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from bot.model.inventory import ItemKind
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester, visitor
from tests.dialogue.test_failing_previews import EXITED, look
from tests.dialogue.test_garbage_collection import SHOP, stray
from tests.dialogue.tester import REPO

MINUTE = timedelta(minutes=1)
KEY = EnvironmentKey(SHOP, 1, "preview")
HOST = "pr-1-shop.test.example.com"
AWAY = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no answer"})


@pytest.fixture
async def deployed(tester: OfflineTester) -> AsyncIterator[OfflineTester]:
    """Provide a tester with a preview that answers, and a bot that has said that it owns it."""

    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello from the preview")

    site = web.Application()
    site.router.add_get("/", hello)
    async with TestServer(site) as server:
        assert server.port
        tester.world.endpoint = Endpoint("127.0.0.1", server.port)
        await tester.opened()
        await tester.bot.reconciling.ownership.reconcile()
        yield tester


def store_of(tester: OfflineTester) -> Path:
    return tester.settings.server.data_dir / "chatops.db"


async def lose_store(tester: OfflineTester, **changes: Any) -> None:
    """Stop the bot, delete its store, and start it again after the word of the lost one has expired."""
    await tester.stop()
    for file in tester.settings.server.data_dir.glob("chatops.db*"):
        file.unlink()
    tester.clock.skip(ownership.LASTS)
    await tester.start(**changes)


async def visited(tester: OfflineTester) -> tuple[int, str]:
    async with visitor(tester.bot.listeners.previews.url) as client:
        answer = await client.get("/", headers={"Host": HOST})
    return answer.status_code, answer.text


async def test_a_preview_outlives_the_loss_of_the_store(deployed: OfflineTester) -> None:
    before = await deployed.preview()
    await lose_store(deployed)
    assert (await visited(deployed))[0] == 404
    await deployed.sweep()
    assert await visited(deployed) == (200, "hello from the preview")
    found = await deployed.preview()
    assert (found.key, found.host, found.sha) == (before.key, before.host, before.sha)
    assert found.expires_at == before.expires_at.replace(microsecond=0)
    assert (found.state, found.run) == (EnvironmentState.READY, 0)
    assert deployed.repairs() == {"adopted_environment": 1}
    *_, recorded = [one async for one in deployed.bot.store.audit.records(AuditFilter())]
    assert (recorded.action, recorded.cause) == ("adopt", "sweep")
    said = await deployed.says("/status")
    assert f"http://{HOST}" in said
    await deployed.sweep()
    assert deployed.repairs() == {"adopted_environment": 1}
    assert deployed.world.removed_items == []
    async with visitor(deployed.bot.listeners.web.url) as client:
        page = await client.get("/environments")
        pulls = await client.get(f"/prs/{REPO}/1")
    assert HOST in page.text
    assert page.status_code == pulls.status_code == 200
    assert "/runs/0" not in page.text + pulls.text


async def test_an_adopted_preview_is_torn_down_by_command(deployed: OfflineTester) -> None:
    await lose_store(deployed)
    await deployed.sweep()
    await deployed.comment("/teardown")
    await deployed.sees("Environment torn down")
    await deployed.read_all()
    assert deployed.world.deployed == {}
    assert await deployed.bot.store.pulls.environments() == ()
    await deployed.sweep()
    assert deployed.repairs() == {"adopted_environment": 1}


async def test_an_adopted_preview_goes_with_its_pull_request(deployed: OfflineTester) -> None:
    await lose_store(deployed)
    await deployed.sweep()
    await deployed.merge()
    await deployed.read_all()
    assert deployed.world.deployed == {}
    assert deployed.world.tags == set()


async def test_an_adopted_preview_expires(deployed: OfflineTester) -> None:
    await lose_store(deployed)
    await deployed.sweep()
    deployed.clock.skip(timedelta(days=4))
    await deployed.bot.reconciling.expiry.reconcile()
    await deployed.read_all()
    assert deployed.world.deployed == {}


async def test_an_adopted_preview_that_dies_is_failing(deployed: OfflineTester) -> None:
    await lose_store(deployed)
    await deployed.sweep()
    await look(deployed, EXITED, 5 * MINUTE)
    assert (await deployed.preview()).state is EnvironmentState.FAILING
    assert "| failing |" in await deployed.says("/status")


async def test_a_push_replaces_an_adopted_preview(deployed: OfflineTester) -> None:
    await lose_store(deployed)
    await deployed.sweep()
    sha = await deployed.push()
    await deployed.read_all()
    found = await deployed.preview()
    assert (found.sha, found.adopted, found.state) == (sha, None, EnvironmentState.READY)
    assert [spec.labels["chatops.run"] for spec in deployed.world.deployed.values()] == [str(found.run)]
    await deployed.sweep()
    assert deployed.world.deployed


async def test_an_adopted_preview_that_can_sleep_is_woken(deployed: OfflineTester) -> None:
    deployed.world.sleeps = True
    sleeps = replace(deployed.settings.kubernetes, sleep_after="2h")
    deployed.world.asleep = {KEY}
    await lose_store(deployed, kubernetes=sleeps)
    await deployed.sweep()
    assert (await deployed.preview()).state is EnvironmentState.WAKING
    await deployed.bot.reconciling.idle_scaler.scale_up()
    await deployed.bot.reconciling.idle_scaler.awake()
    assert (await deployed.preview()).state is EnvironmentState.READY
    assert deployed.world.asleep == set()


async def test_a_preview_is_removed_if_its_pull_request_was_closed_meanwhile(
    deployed: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.stop()
    await deployed.close()
    await deployed.start()
    await lose_store(deployed)
    tags = set(deployed.world.tags)
    with caplog.at_level(logging.WARNING):
        await deployed.sweep()
    assert deployed.world.deployed == {}
    assert deployed.repairs() == {"orphaned_item": 1}
    assert "its pull request is closed" in caplog.text
    assert deployed.world.tags == tags, "not because the store does not know them"
    await deployed.sweep()
    assert deployed.world.tags == set(), "but because the pull request is closed"
    assert await deployed.bot.store.pulls.environments() == ()


async def test_a_preview_is_left_alone_as_long_as_the_lost_store_may_live(
    deployed: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await lose_store(deployed)
    deployed.clock.skip(-MINUTE)
    with caplog.at_level(logging.WARNING):
        await deployed.sweep()
        await deployed.sweep()
    assert await deployed.bot.store.pulls.environments() == ()
    assert list(deployed.world.deployed) == [KEY]
    assert caplog.text.count("another bot has the same instance") == 1
    assert "give each its own [docker] instance" in caplog.text
    deployed.clock.skip(MINUTE)
    await deployed.sweep()
    assert (await deployed.preview()).state is EnvironmentState.READY


async def test_a_deployment_waits_for_the_owner_of_what_is_there(deployed: OfflineTester) -> None:
    """The wait is as long as the lost store may live; then the environment is replaced."""
    await lose_store(deployed)
    deployed.clock.skip(-5 * MINUTE)
    waits = deployed.clock.waits.copy()
    sha = await deployed.push()
    await deployed.read_all()
    (wait,) = [seconds for seconds in deployed.clock.waits[len(waits) :] if seconds > 60]
    assert 240 < wait < 320
    assert (await deployed.preview()).sha == sha


async def test_the_store_from_a_backup_learns_what_was_deployed_since(deployed: OfflineTester) -> None:
    await deployed.stop()
    backup = store_of(deployed).with_suffix(".backup")
    shutil.copy(store_of(deployed), backup)
    await deployed.start()
    sha = await deployed.push()
    await deployed.read_all()
    await deployed.stop()
    shutil.copy(backup, store_of(deployed))
    deployed.clock.skip(ownership.LASTS)
    await deployed.start()
    assert (await deployed.preview()).sha != sha
    await deployed.sweep()
    found = await deployed.preview()
    assert (found.sha, found.run, found.state) == (sha, 0, EnvironmentState.READY)
    assert await visited(deployed) == (200, "hello from the preview")
    await deployed.says("/teardown")
    await deployed.read_all()
    assert deployed.world.deployed == {}


async def test_what_cannot_be_adopted_is_kept_until_it_expires(
    deployed: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await lose_store(deployed)
    expires = deployed.clock.now() + timedelta(hours=2)
    unknown = replace(stray(ItemKind.NETWORK), environment="staging", store="lost4567", expires=expires)
    foreign = replace(stray(ItemKind.NAMESPACE, repo=RepoPath("elsewhere", "shop")), expires=expires)
    deployed.world.extra_items = [unknown, foreign]
    await deployed.sweep()
    assert deployed.world.removed_items == []
    deployed.clock.skip(timedelta(hours=2))
    with caplog.at_level(logging.WARNING):
        await deployed.sweep()
    assert deployed.world.extra_items == []
    assert caplog.text.count("it cannot be adopted, and has expired") == 2
    assert list(deployed.world.deployed) == [KEY]


async def test_gitee_is_asked_about_few_pull_requests_at_once_and_rarely_again(
    deployed: OfflineTester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adoption, "MAX_REQUESTS", 2)
    asked: list[int] = []

    async def counted(_client: GiteeClient, _repo: RepoPath, number: int) -> None:
        asked.append(number)

    await lose_store(deployed)
    monkeypatch.setattr(GiteeClient, "pull_request", counted)
    deployed.world.deployed.clear()
    expires = deployed.clock.now() + timedelta(days=1)
    deployed.world.extra_items = [
        replace(stray(ItemKind.CONTAINER, number), expires=expires) for number in (11, 12, 13)
    ]
    for expected in ([11, 12], [11, 12, 13], [11, 12, 13]):
        await deployed.bot.reconciling.sweep.garbage.collect()
        assert asked == expected
    deployed.clock.skip(adoption.ASK_AGAIN)
    await deployed.bot.reconciling.sweep.garbage.collect()
    assert asked == [11, 12, 13, 11, 12]
    assert len(deployed.world.extra_items) == 3


async def test_an_adoption_that_fails_is_tried_again(
    deployed: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await lose_store(deployed)
    deployed.world.script.fail("endpoint", AWAY)
    with caplog.at_level(logging.WARNING):
        await deployed.sweep()
    assert "is not adopted this time" in caplog.text
    assert await deployed.bot.store.pulls.environments() == ()
    await deployed.sweep()
    assert (await deployed.preview()).state is EnvironmentState.READY


@pytest.mark.parametrize("command", ["/teardown", "/deploy"])
async def test_a_store_with_a_new_identity_still_owns_what_it_has_deployed(
    deployed: OfflineTester, command: str
) -> None:
    identities = deployed.bot.store.identities
    assert await identities.renew((await identities.current()).id, deployed.clock.now())
    deployed.clock.skip(2 * ownership.LASTS)
    await deployed.sweep()
    await deployed.bot.reconciling.ownership.reconcile()
    current = (await identities.current()).id
    assert [by for by, _ in deployed.world.owners.values()] == [current]
    await deployed.says(command)
    await deployed.read_all()
    stores = {spec.labels["chatops.store"] for spec in deployed.world.deployed.values()}
    assert stores == (set() if command == "/teardown" else {current})
    await deployed.sweep()
    assert deployed.repairs() == {}


async def test_every_replica_says_when_it_starts_what_its_store_owns(tester: OfflineTester) -> None:
    (said,) = [task for task in tester.bot.reconciling.tasks if task.name == "ownership"]
    assert said.everywhere, "a new leader would say so for the first time when this is due again"
    assert said.every < ownership.LASTS.total_seconds() / 2


@pytest.mark.attack
async def test_the_output_of_an_unknown_run_is_not_kept_with_a_run_of_this_store(
    deployed: OfflineTester,
) -> None:
    await lose_store(deployed)
    await deployed.sweep()

    await deployed.says("/teardown")

    assert not deployed.world.deployed
    assert deployed.world.kept == {}
