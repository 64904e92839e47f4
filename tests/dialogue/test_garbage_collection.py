"""Orphans are removed from runners and registry; resources with an owner are kept."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.model.environment import EnvironmentKey, EnvironmentState
from bot.model.errors import GiveUp, RetryLater
from bot.model.forge import RepoPath
from bot.model.inventory import Item, ItemKind
from bot.model.reason import Reason
from tests.dialogue.offline import OfflineTester

SHOP = RepoPath("team", "shop")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AWAY = RetryLater(Reason.ENGINE_UNAVAILABLE, {"message": "no answer"})


def stray(kind: ItemKind, number: int = 1, *, run: int = 1, repo: RepoPath = SHOP) -> Item:
    return Item(kind, f"{kind} {number} {run}", "x", repo, number, "preview", run, LONG_AGO)


async def test_existing_environments_and_their_images_are_kept(tester: OfflineTester) -> None:
    await tester.opened()
    tester.world.extra_items = [stray(ItemKind.NETWORK), stray(ItemKind.IMAGE)]
    tags = set(tester.world.tags)
    await tester.sweep()
    await tester.says_nothing()
    assert tester.world.removed_items == []
    assert tester.world.tags == tags
    assert len(tester.world.deployed) == 1


async def test_resources_of_a_dead_run_are_removed(tester: OfflineTester) -> None:
    await tester.opened()
    left = [stray(ItemKind.TESTS), stray(ItemKind.LAYER), stray(ItemKind.CONTAINER, 99)]
    tester.world.extra_items = list(left)
    await tester.sweep()
    assert sorted(tester.world.removed_items, key=left.index) == left
    assert tester.repairs() == {"orphaned_item": 3}
    assert len(tester.world.deployed) == 1


async def test_an_extension_updates_the_expiry_of_the_namespace(tester: OfflineTester) -> None:
    await tester.opened()
    await tester.says("/deploy ttl=8h")
    (deployed,) = tester.world.deployed.values()
    (before,) = await tester.bot.store.pulls.environments()
    assert deployed.expires == before.expires_at
    tester.world.extra_items = [replace(stray(ItemKind.NAMESPACE), run=before.run, expires=deployed.expires)]
    await tester.says("/extend 4h")
    tester.world.script.fail("update_expiry", AWAY)
    await tester.sweep()
    assert tester.world.extra_items[0].expires == before.expires_at
    await tester.sweep()
    (after,) = await tester.bot.store.pulls.environments()
    assert after.expires_at > before.expires_at
    assert tester.world.extra_items[0].expires == after.expires_at.replace(microsecond=0)
    assert tester.repairs() == {}


async def test_resources_of_an_unfinished_run_are_kept(tester: OfflineTester) -> None:
    gate = tester.world.script.hold("test")
    await tester.open()
    await gate.reached()
    tester.world.extra_items = [stray(kind) for kind in ItemKind]
    await tester.sweep()
    assert tester.world.removed_items == []
    gate.open()
    await tester.read()


async def test_tags_of_a_closed_pull_request_are_removed_and_foreign_tags_kept(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    await tester.close()
    await tester.read_all()
    late, foreign = (
        "registry.example.com/team/shop:pr-1-12345678",
        "registry.example.com/team/shop:pr-77-12345678",
    )
    tester.world.tags = {late, foreign}
    await tester.sweep()
    assert tester.world.tags == {foreign}
    assert tester.repairs() == {"orphaned_tags": 1}


@pytest.mark.parametrize("running", [True, False])
async def test_tags_of_a_pull_request_that_was_reopened_meanwhile_are_kept(
    tester: OfflineTester, *, running: bool
) -> None:
    await tester.opened()
    await tester.close()
    await tester.read_all()
    tester.world.tags = {"registry.example.com/team/shop:pr-1-12345678"}
    tester.clock.skip(timedelta(seconds=3))
    garbage = tester.bot.reconciling.sweep.garbage
    found = await garbage.find()
    assert found.tags == ((SHOP, 1),)

    gate = tester.world.script.hold("test")
    await tester.reopen()
    await gate.reached()
    tags = set(tester.world.tags)
    if not running:
        gate.open()
        await tester.idle()
    await garbage.clear(found)
    assert tester.world.tags == tags
    gate.open()
    await tester.read_all()


async def test_an_environment_whose_containers_are_gone_counts_as_failed(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture
) -> None:
    await tester.opened()
    tester.world.deployed.clear()
    with caplog.at_level(logging.WARNING):
        await tester.sweep()
    (environment,) = await tester.bot.store.pulls.environments()
    assert (environment.state, environment.endpoint) == (EnvironmentState.FAILED, None)
    assert "environment preview has vanished" in caplog.text
    await tester.sweep()
    assert tester.repairs() == {"vanished_environment": 1}
    await tester.says("/deploy")
    await tester.sweep()
    assert tester.repairs() == {"vanished_environment": 1}


async def test_resources_left_by_a_failed_teardown_are_removed_without_a_comment(
    tester: OfflineTester,
) -> None:
    await tester.opened()
    tester.world.script.fail("remove", GiveUp(Reason.INTERNAL, {"message": "no"}))
    await tester.close()
    await tester.read_all()
    assert len(tester.world.deployed) == 1
    await tester.sweep()
    await tester.says_nothing()
    assert tester.world.deployed == {}
    assert tester.world.tags == set()
    assert await tester.bot.store.pulls.environments() == ()
    await tester.sweep()
    assert tester.repairs() == {"orphaned_item": 1, "orphaned_tags": 1, "failed_teardown": 1}


async def test_an_environment_that_outlives_its_pull_request_is_kept(tester: OfflineTester) -> None:
    await tester.configure("version: 1\non:\n  close: []\n")
    await tester.opened()
    await tester.close()
    tags = set(tester.world.tags)
    await tester.idle()
    await tester.sweep()
    await tester.says_nothing()
    assert list(tester.world.deployed) == [EnvironmentKey(SHOP, 1, "preview")]
    assert tester.world.tags == tags


@pytest.mark.parametrize("operation", ["inventory", "tagged"])
async def test_an_unavailable_part_is_skipped_and_the_rest_is_swept(
    tester: OfflineTester, caplog: pytest.LogCaptureFixture, operation: str
) -> None:
    await tester.opened()
    await tester.close()
    await tester.read_all()
    tester.world.extra_items = [stray(ItemKind.TESTS)]
    tester.world.tags = {"registry.example.com/team/shop:pr-1-12345678"}
    tester.world.script.fail(operation, AWAY)
    with caplog.at_level(logging.WARNING):
        await tester.sweep()
    assert "is skipped" in caplog.text
    assert (tester.world.extra_items == []) is (operation == "tagged")
    assert (tester.world.tags == set()) is (operation == "inventory")
    await tester.sweep()
    assert tester.world.extra_items == []
    assert tester.world.tags == set()


async def test_an_unavailable_engine_does_not_mean_that_environments_vanished(tester: OfflineTester) -> None:
    await tester.opened()
    tester.world.deployed.clear()
    tester.world.script.fail("inventory", AWAY)
    await tester.sweep()
    (environment,) = await tester.bot.store.pulls.environments()
    assert environment.state is EnvironmentState.READY
