"""Expiry of environments, and old comments that are delivered again."""

from datetime import timedelta

from tests.dialogue.offline import OfflineTester
from tests.dialogue.tester import REPO


async def test_an_expired_environment_is_removed(tester: OfflineTester) -> None:
    await tester.open()
    assert "http://pr-1-shop.test.example.com" in await tester.read()
    tester.clock.skip(timedelta(days=3) - timedelta(minutes=5))
    await tester.bot.reconciling.expiry.reconcile()
    await tester.says_nothing()
    tester.clock.skip(timedelta(minutes=10))
    await tester.bot.reconciling.expiry.reconcile()
    said = await tester.read()
    assert "environment expired" in said
    assert "preview" in said
    assert tester.world.deployed == {}
    await tester.bot.reconciling.expiry.reconcile()
    await tester.says_nothing()


async def test_the_operator_bounds_how_long_a_preview_may_live(tester: OfflineTester) -> None:
    await tester.open()
    await tester.read()
    await tester.says("/deploy ttl=20d")
    [environment] = await tester.bot.store.pulls.environments()
    assert environment.expires_at - environment.deployed_at == timedelta(days=3)


async def test_an_old_comment_cannot_be_redelivered(tester: OfflineTester) -> None:
    await tester.open()
    await tester.read()
    await tester.idle()
    await tester.stop()
    await tester.comment("/teardown")
    await tester.gitee.delivered()
    tester.gitee.comments(REPO, tester.number, by="lin")[-1].created_at -= timedelta(days=30)
    await tester.start()
    tester.gitee.redeliver(-1)
    await tester.says_nothing()
    assert tester.world.deployed != {}


async def test_a_recent_comment_can_be_redelivered(tester: OfflineTester) -> None:
    await tester.open()
    await tester.read()
    await tester.idle()
    await tester.stop()
    await tester.comment("/teardown")
    await tester.gitee.delivered()
    await tester.start()
    tester.gitee.redeliver(-1)
    await tester.read()
    assert tester.world.deployed == {}
