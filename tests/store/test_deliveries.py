"""Deliveries, from their arrival to their decision, on both databases."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from bot.core.admission.inbox import LONGEST_WAIT, RETRY_SPACING
from bot.model.delivery import Delivery
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.observed import ObservedState
from bot.store import arrivals
from bot.store.arrivals import InboxFullError
from bot.store.records import Store
from tests.fakes.stored import fail, hold_delivery
from tests.real.parts import PATIENCE
from tests.store.values import NOW, SHA, decision, delivery


async def deny(store: Store, lease: Lease, denied: Delivery, earliest: datetime) -> datetime | None:
    """Decide a delivery until Gitee denies it."""
    await hold_delivery(store, denied.key, lease)
    return await store.inbox.deny(denied, lease, earliest, NOW)


async def test_a_delivery_is_stored_once(store: Store) -> None:
    assert await store.arrivals.accept(delivery("one"))
    assert not await store.arrivals.accept(delivery("one", NOW + timedelta(hours=1)))
    assert await store.inbox.due(NOW) == ((delivery("one"), 0),)


async def test_deliveries_that_contradict_each_other_lose_their_claims(
    store: Store,
) -> None:
    first = replace(delivery("one"), body_digest="d1")
    await store.arrivals.accept(first)
    assert not await store.arrivals.accept(first)
    assert await store.inbox.due(NOW) == ((first, 0),)
    assert not await store.arrivals.accept(replace(first, head_sha="cd" * 20))
    assert await store.inbox.due(NOW) == ((replace(first, head_sha=None, body_digest=None), 0),)


async def test_a_delivery_that_was_given_up_is_new_when_it_arrives_again(store: Store, lease: Lease) -> None:
    for key in ("trouble", "bug", "done"):
        await store.arrivals.accept(delivery(key))
    assert await store.inbox.pending_pulls() == {("team/shop", 12)}
    await fail(store, "trouble", "gitee_unavailable: 502", NOW)
    await fail(store, "bug", "bug 1a2b", NOW)
    await store.inbox.claim(lease, NOW, 1)
    await store.commit(decision("done"), lease)
    assert await store.inbox.pending_pulls() == frozenset()

    assert await store.inbox.missing(["trouble", "bug", "done", "new"]) == {"trouble", "new"}
    again = [await store.arrivals.accept(delivery(key)) for key in ("bug", "done", "trouble", "trouble")]
    assert again == [False, False, True, False]
    assert await store.inbox.due(NOW) == ((delivery("trouble"), 0),)


async def test_one_that_was_given_up_is_new_only_for_one_of_two_replicas(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await Store.open(postgres_url), await Store.open(postgres_url)
    lease = await first.replicas.join("one")
    await first.arrivals.accept(delivery("one"))
    await fail(first, "one", "gitee_unavailable: 502", NOW)
    known, loop = arrivals._known, asyncio.get_running_loop()

    async def decided_by_the_first() -> None:
        monkeypatch.setattr(arrivals, "_known", known)
        assert await first.arrivals.accept(delivery("one"))
        await first.inbox.claim(lease, NOW, 1)
        await first.commit(decision("one"), lease)

    def read_before(connection: Connection, keys: Collection[str]) -> object:
        found = known(connection, keys)
        asyncio.run_coroutine_threadsafe(decided_by_the_first(), loop).result(PATIENCE)
        return found

    monkeypatch.setattr(arrivals, "_known", read_before)
    assert not await second.arrivals.accept(delivery("one"))
    assert await first.inbox.due(NOW) == (), "it is decided"
    for store in (first, second):
        await store.close()


async def test_a_delivery_that_is_sent_again_keeps_only_what_both_claim(store: Store) -> None:
    for key in ("same", "other"):
        await store.arrivals.accept(delivery(key))
        await fail(store, key, "gitee_unavailable: 502", NOW)
    forged = replace(delivery("other"), head_sha="cd" * 20)
    assert await store.arrivals.accept(delivery("same"))
    assert await store.arrivals.accept(forged)
    assert [found for found, _ in await store.inbox.due(NOW)] == [
        delivery("same"),
        replace(forged, head_sha=None, body_digest=None),
    ]


async def test_a_deleted_delivery_is_new_when_it_arrives_again(store: Store, lease: Lease) -> None:
    await store.arrivals.accept(delivery("one"))
    await store.arrivals.accept(delivery("two"))
    await hold_delivery(store, "one", lease)
    await store.inbox.delete("one", lease)
    assert [found.key for found, _ in await store.inbox.due(NOW)] == ["two"]
    assert await store.arrivals.accept(delivery("one"))


async def test_due_deliveries_are_returned_in_order_of_arrival(store: Store, lease: Lease) -> None:
    for key in ("b", "a", "c"):
        await store.arrivals.accept(delivery(key))
    await hold_delivery(store, "b", lease)
    await store.inbox.postpone("b", lease, NOW + timedelta(seconds=5))
    assert [found.key for found, _ in await store.inbox.due(NOW)] == ["a", "c"]
    later = await store.inbox.due(NOW + timedelta(seconds=5))
    assert [(found.key, attempt) for found, attempt in later] == [("b", 1), ("a", 0), ("c", 0)]


@pytest.mark.attack
async def test_one_repository_fills_only_its_share(store: Store) -> None:
    for key in "abc":
        await store.arrivals.accept(delivery(key))
    with pytest.raises(InboxFullError):
        await store.arrivals.accept(replace(delivery("d"), repo=RepoPath("TEAM", "Shop")))
    other = replace(delivery("e"), repo=RepoPath("team", "cart"))
    assert await store.arrivals.accept(other)


async def test_an_inbox_that_several_repositories_fill_refuses(store: Store) -> None:
    for number in range(6):
        await store.arrivals.accept(replace(delivery(str(number)), repo=RepoPath("team", f"r{number}")))
    with pytest.raises(InboxFullError):
        await store.arrivals.accept(delivery("new"))


@pytest.mark.attack
async def test_a_known_pull_request_is_claimed_before_unknown_and_denied_ones(
    store: Store, lease: Lease
) -> None:
    unknown, denied, known = (replace(delivery(key), number=number) for number, key in enumerate("abc", 1))
    for one in (unknown, denied, known):
        await store.arrivals.accept(one)
    assert await deny(store, lease, denied, NOW) == NOW
    await store.observed.record(RepoPath("TEAM", "shop"), 3, ObservedState(NOW))

    assert await store.inbox.claim(lease, NOW, 1) == ((known, 0),)
    assert await store.inbox.claim(lease, NOW, 9, handling=["c"]) == ((unknown, 0), (denied, 1))


@pytest.mark.attack
async def test_denied_deliveries_of_a_repository_are_tried_again_one_after_the_other(
    store: Store, lease: Lease
) -> None:
    soon = NOW + timedelta(seconds=2)
    first, second, late = (replace(delivery(key), number=number) for number, key in enumerate("abc", 1))
    other = replace(delivery("d"), repo=RepoPath("team", "cart"))
    for one in (first, second, late, other):
        await store.arrivals.accept(one)

    assert await deny(store, lease, first, soon) == soon
    assert await deny(store, lease, first, soon) == soon, "a delivery does not wait for itself"
    assert await deny(store, lease, second, soon) == soon + RETRY_SPACING
    assert await deny(store, lease, other, soon) == soon
    await deny(store, lease, second, NOW + LONGEST_WAIT)
    assert await deny(store, lease, late, soon) is None
    assert {found.key for found, _ in await store.inbox.claim(lease, NOW, 9)} == {"c"}


async def test_a_full_inbox_refuses(store: Store) -> None:
    for key in "abc":
        await store.arrivals.accept(delivery(key))
    with pytest.raises(InboxFullError):
        await store.arrivals.accept(delivery("d"))
    assert not await store.arrivals.accept(delivery("c")), "a known delivery needs no room"
    await fail(store, "a", "no such pull request", NOW)
    assert await store.arrivals.accept(delivery("d"))


async def test_answers_to_a_person_are_counted_by_pull_request(store: Store, lease: Lease) -> None:
    moments = [NOW + timedelta(minutes=minutes) for minutes in range(3)]
    answers = [("Visitor", at) for at in moments] + [("", NOW), ("other", NOW)]
    for index, (login, at) in enumerate(answers):
        await store.arrivals.accept(replace(delivery(str(index)), number=12 if index else 13))
        await store.inbox.claim(lease, NOW, 99)
        await store.commit(replace(decision(str(index), outside_contributor=login), at=at), lease)

    shop = RepoPath("Team", "SHOP")
    assert await store.inbox.answers(shop, 12, "visitor", 9) == (moments[2], moments[1])
    assert await store.inbox.answers(shop, 12, "VISITOR", 1) == (moments[2],)
    assert await store.inbox.answers(shop, 13, "visitor", 9) == (moments[0],)
    assert await store.inbox.answers(RepoPath("team", "cart"), 12, "visitor", 9) == ()


async def test_deliveries_tell_whether_a_pull_request_had_another_head(store: Store) -> None:
    for key, number, head in [("a", 12, SHA), ("b", 12, None)]:
        await store.arrivals.accept(replace(delivery(key), number=number, head_sha=head))

    assert await store.inbox.only_head(RepoPath("Team", "SHOP"), 12, SHA)
    assert not await store.inbox.only_head(RepoPath("Team", "SHOP"), 12, "c" * 40)
    assert await store.inbox.only_head(RepoPath("team", "cart"), 12, "c" * 40)
    await store.arrivals.accept(replace(delivery("d"), number=12, head_sha=SHA, moved=True))
    assert not await store.inbox.only_head(RepoPath("Team", "SHOP"), 12, SHA)
