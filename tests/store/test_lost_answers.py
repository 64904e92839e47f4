"""Which comments are compared with Gitee once more, on both databases."""

from dataclasses import replace
from datetime import timedelta

from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.lost_answer import LostAnswer
from bot.store.records import Store
from tests.store.values import NOW

SHOP = RepoPath("team", "shop")
LATER = NOW + timedelta(minutes=1)
LOST = LostAnswer(SHOP, 12, "<!-- m -->", NOW)


async def test_a_lost_answer_is_checked_once(store: Store, lease: Lease) -> None:
    await store.pulls.claim_comment(SHOP, 12, LOST.marker, lease, NOW)
    assert await store.lost_answers.before(LATER, 9) == ()
    await store.lost_answers.add(LOST)
    assert await store.lost_answers.before(NOW, 9) == ()
    assert await store.lost_answers.before(LATER, 9) == (LOST,)
    await store.lost_answers.delete(LOST)
    assert await store.lost_answers.before(LATER, 9) == ()


async def test_an_answer_that_is_lost_during_the_check_is_checked_again(store: Store, lease: Lease) -> None:
    await store.pulls.claim_comment(SHOP, 12, LOST.marker, lease, NOW)
    again = replace(LOST, at=LATER)
    await store.lost_answers.add(again)
    await store.lost_answers.delete(LOST)
    assert await store.lost_answers.before(LATER + timedelta(seconds=1), 9) == (again,)


async def test_a_replica_that_died_as_a_writer_lost_an_answer(store: Store, lease: Lease) -> None:
    await store.pulls.claim_comment(SHOP, 12, LOST.marker, lease, NOW - timedelta(hours=1))
    await store.replicas.leave(lease)
    other = await store.replicas.join("other")
    assert await store.pulls.claim_comment(SHOP, 12, LOST.marker, other, NOW) == (0, "", NOW)
    assert await store.lost_answers.before(LATER, 9) == (LOST,)
    await store.pulls.release_comment(SHOP, 12, LOST.marker, other)
    assert await store.pulls.claim_comment(SHOP, 12, LOST.marker, other, LATER) == (0, "", NOW)
