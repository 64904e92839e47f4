"""Deletion of old runs and deliveries, and statistics, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core import markers
from bot.core.markers import Marker
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.outcome import Decision
from bot.model.pipeline import BuildConfig
from bot.model.plan import Build, Plan, Step, Teardown
from bot.model.run import Origin, Run, RunState
from bot.model.text import Language
from bot.store.records import Store
from tests.fakes.stored import fail, put_environment
from tests.store.rows import stored_comment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
BEFORE = NOW - timedelta(days=8)
SHOP = RepoPath("team", "shop")
SHA = "ab" * 20


async def ended(
    store: Store, lease: Lease, number: int, at: datetime | None, *, step: Step | None = None
) -> int:
    """Add a run that ended at this time, or is unfinished; return its number."""
    plan = Plan((step or Build(SHA, BuildConfig()),))
    run = Run(0, SHOP, number, SHA, plan, Origin(Trigger.OPEN, "lin"), Language.ZH, LONG_AGO)
    started = await store.start(run)
    assert started is not None
    await store.runs.claim(lease, lambda queue: [entry.id for entry in queue])
    if at is not None:
        await store.runs.save(replace(started, state=RunState.PASSED, finished_at=at), lease)
    for marker in (*markers.run_keys(started.id), Marker("approval", "abc").key):
        await store.pulls.claim_comment(SHOP, number, marker, lease, NOW)
    return started.id


async def known(store: Store) -> set[int]:
    return {run.id for run in await store.runs.runs()}


async def test_runs_that_ended_long_ago_are_deleted(store: Store, lease: Lease) -> None:
    old = await ended(store, lease, 12, LONG_AGO)
    newer = await ended(store, lease, 12, NOW)
    going = await ended(store, lease, 12, None)

    assert await store.history.finish_times([old, going, 999]) == {old: LONG_AGO, going: None}
    assert await store.history.delete_runs(BEFORE, (), 10) == 1

    assert await known(store) == {newer, going}
    assert await stored_comment(store, markers.run_keys(old)[0]) is None
    assert await stored_comment(store, markers.run_keys(old)[2]) is None
    assert await stored_comment(store, markers.run_keys(newer)[0]) is not None
    assert await stored_comment(store, Marker("approval", "abc").key) is not None


async def test_the_newest_run_of_a_pull_request_is_kept_unless_it_only_removes(
    store: Store, lease: Lease
) -> None:
    """By it the bot knows that a commit had its run; without it, old pull requests would run again."""
    alone = await ended(store, lease, 12, LONG_AGO)
    await ended(store, lease, 13, LONG_AGO)
    await ended(store, lease, 13, LONG_AGO, step=Teardown(everything=True))
    newest = await ended(store, lease, 14, NOW)

    assert await store.history.delete_runs(BEFORE, (), 10) == 2
    assert await known(store) == {alone, newest}


async def test_the_newest_run_of_all_is_kept_so_that_its_number_is_not_given_out_again(
    store: Store, lease: Lease
) -> None:
    """A comment about a higher number than any that is known shows that a backup was restored."""
    removed = await ended(store, lease, 12, LONG_AGO, step=Teardown(everything=True))

    assert await store.history.delete_runs(BEFORE, (), 10) == 0
    assert await store.runs.newest() == removed
    assert await ended(store, lease, 13, NOW) > removed
    assert await store.history.delete_runs(BEFORE, (), 10) == 1


async def test_spared_runs_are_kept_and_the_others_deleted_in_batches(store: Store, lease: Lease) -> None:
    runs = [await ended(store, lease, 12, LONG_AGO) for _ in range(4)]

    assert await store.history.delete_runs(BEFORE, runs[:1], 1) == 1
    assert await known(store) == {runs[0], *runs[2:]}


@pytest.mark.parametrize("failed", [False, True])
async def test_deliveries_decided_long_ago_are_deleted(store: Store, lease: Lease, *, failed: bool) -> None:
    for key in ("a" * 64, "b" * 64, "c" * 64):
        await store.arrivals.accept(Delivery(key, Trigger.COMMENT, SHOP, 12, LONG_AGO))
    for key, at in (("a" * 64, LONG_AGO), ("b" * 64, NOW)):
        await store.inbox.claim(lease, NOW, 9)
        marker = markers.reply(key, 0).key
        await store.pulls.claim_comment(SHOP, 12, marker, lease, NOW)
        if failed:
            await fail(store, key, "bug 1a2b", at)
        else:
            await store.commit(Decision(key, SHOP, 12, at), lease)

    assert await store.history.delete_deliveries(BEFORE, 10) == 1
    assert await store.history.delete_deliveries(BEFORE, 10) == 0

    assert await store.arrivals.accept(Delivery("a" * 64, Trigger.COMMENT, SHOP, 12, NOW))
    assert not await store.arrivals.accept(Delivery("b" * 64, Trigger.COMMENT, SHOP, 12, NOW))
    assert not await store.arrivals.accept(Delivery("c" * 64, Trigger.COMMENT, SHOP, 12, NOW))
    assert await stored_comment(store, markers.reply("a" * 64, 0).key) is None
    assert await stored_comment(store, markers.reply("b" * 64, 0).key) is not None


async def test_statistics_count_the_contents(store: Store, lease: Lease) -> None:
    await ended(store, lease, 12, NOW)
    await ended(store, lease, 13, None)
    await store.start(Run(0, SHOP, 14, SHA, Plan(()), Origin(Trigger.OPEN, "lin"), Language.ZH, NOW))
    await store.arrivals.accept(Delivery("a" * 64, Trigger.COMMENT, SHOP, 12, NOW))
    failing = Environment(
        EnvironmentKey(SHOP, 12, "preview"), "x", SHA, EnvironmentState.FAILING, 1, NOW, NOW
    )
    await put_environment(store, failing)
    removed = replace(
        failing, key=EnvironmentKey(SHOP, 13, "preview"), host="y", state=EnvironmentState.REMOVED
    )
    await put_environment(store, removed)

    stats = await store.stats()

    assert {state: number for state, number in stats.environments.items() if number} == {
        EnvironmentState.FAILING: 1
    }

    assert {state: number for state, number in stats.runs.items() if number} == {
        RunState.PASSED: 1,
        RunState.QUEUED: 2,
    }
    assert (stats.waiting, stats.deliveries, stats.unshown, stats.replicas) == (1, 1, 3, 1)
