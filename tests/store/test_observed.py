"""Observed states and cursors, which the sweep compares with Gitee."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.model.delivery import Delivery, Trigger
from bot.model.forge import PullState, RepoPath
from bot.model.lease import Lease
from bot.model.observed import Effect, ObservedState, RepositoryCursor
from bot.model.outcome import Decision
from bot.model.plan import Plan
from bot.model.run import Image, Origin, Run
from bot.model.text import Language
from bot.store.records import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP, SHOUTED, BAR = RepoPath("team", "shop"), RepoPath("Team", "SHOP"), RepoPath("team", "bar")
SEEN = ObservedState(NOW, "a" * 40, PullState.OPEN)


def delivery(key: str, received_at: datetime = NOW, repo: RepoPath = SHOP) -> Delivery:
    return Delivery(key, Trigger.OPEN, repo, 12, received_at, found=True)


def run(created_at: datetime, repo: RepoPath = SHOP) -> Run:
    return Run(0, repo, 12, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, created_at)


async def decide(store: Store, lease: Lease, key: str, seen: ObservedState | None) -> None:
    await store.arrivals.accept(delivery(key))
    await store.inbox.claim(lease, NOW, 1)
    await store.commit(Decision(key, SHOP, 12, NOW, observed=seen), lease)


async def test_the_observed_state_is_stored_with_the_decision(store: Store, lease: Lease) -> None:
    await decide(store, lease, "one", None)
    assert await store.observed.of(SHOP, 12) is None
    await decide(store, lease, "two", SEEN)
    assert await store.observed.of(SHOUTED, 12) == SEEN
    assert await store.observed.of(SHOP, 1) is None
    await decide(store, lease, "three", ObservedState(NOW, commands={Effect.RUN: 7}))
    assert await store.observed.of(SHOP, 12) == replace(SEEN, commands={Effect.RUN: 7})
    closed = ObservedState(NOW, "b" * 40, PullState.CLOSED)
    await decide(store, lease, "four", closed)
    assert await store.observed.of(SHOP, 12) == replace(closed, commands={Effect.RUN: 7})


async def test_a_recorded_state_never_overwrites_that_of_a_decision(store: Store, lease: Lease) -> None:
    other = ObservedState(NOW, "b" * 40, PullState.OPEN)
    await store.observed.record(SHOP, 12, SEEN)
    await store.observed.record(SHOUTED, 12, other)
    assert await store.observed.of(SHOP, 12) == SEEN
    await store.observed.record(BAR, 12, ObservedState(NOW, commands={Effect.RUN: 3}))
    await store.observed.record(BAR, 12, other)
    assert await store.observed.of(BAR, 12) == replace(other, commands={Effect.RUN: 3})


async def test_observed_states_are_returned_under_the_given_paths(store: Store) -> None:
    await store.observed.record(SHOP, 12, SEEN)
    await store.observed.record(BAR, 1, SEEN)
    await store.observed.save_cursor(SHOP, RepositoryCursor(NOW, NOW))
    assert await store.observed.by_pull((SHOUTED,)) == {(SHOUTED, 12): SEEN}
    assert await store.observed.by_pull(()) == {}


async def test_the_cursor_of_a_repository_is_stored(store: Store) -> None:
    assert await store.observed.cursor(SHOP) is None
    known = RepositoryCursor(NOW, NOW + timedelta(hours=1))
    await store.observed.save_cursor(SHOP, RepositoryCursor(NOW, NOW))
    await store.observed.save_cursor(SHOUTED, known)
    assert await store.observed.cursor(SHOP) == known


async def test_a_repository_is_known_since_its_oldest_delivery_or_run(store: Store) -> None:
    assert await store.observed.known_since(SHOP) is None
    await store.arrivals.accept(delivery("one", NOW))
    await store.arrivals.accept(delivery("two", NOW - timedelta(hours=1), BAR))
    assert await store.observed.known_since(SHOUTED) == NOW
    await store.start(run(NOW - timedelta(hours=2)))
    assert await store.observed.known_since(SHOP) == NOW - timedelta(hours=2)


async def test_every_repository_is_returned_once(store: Store) -> None:
    assert await store.observed.repositories() == frozenset()
    await store.arrivals.accept(delivery("one", repo=SHOUTED))
    await store.start(run(NOW))
    await store.observed.record(BAR, 1, SEEN)
    found = await store.observed.repositories()
    assert {str(repo).lower() for repo in found} == {"team/shop", "team/bar"}
    assert len(found) == 2


async def test_pull_requests_with_images_are_returned(store: Store) -> None:
    for sha in ("a" * 40, "b" * 40):
        await store.pulls.writer(None).put_image(SHOP, 12, Image("r/x:pr-12-a", "sha256:1", 5, sha))
    assert await store.pulls.with_images() == {(SHOP, 12)}
