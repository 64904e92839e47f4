"""Environments that sleep, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.core.environments import idle
from bot.model.delivery import Delivery, Trigger
from bot.model.environment import Endpoint, Environment, EnvironmentKey, EnvironmentState, Outage
from bot.model.forge import RepoPath
from bot.model.lease import Lease
from bot.model.outcome import Decision
from bot.model.pipeline import RunnerName
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.run import Origin, Run, RunState
from bot.model.text import Language
from bot.store.records import Store
from tests.fakes.stored import put_environment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = RepoPath("team", "shop")
READY = Environment(
    EnvironmentKey(SHOP, 12, "preview"),
    "pr-12-shop",
    "a" * 40,
    EnvironmentState.READY,
    1,
    NOW,
    NOW + timedelta(days=3),
    Endpoint("10.0.0.2", 80),
    suspendable_by=RunnerName.KUBERNETES,
)
RUN = Run(0, SHOP, 12, "a" * 40, Plan(()), Origin(Trigger.OPEN, ""), Language.ZH, NOW)


async def kept(store: Store) -> Environment:
    [found] = await store.pulls.environments()
    return found


async def test_a_changed_or_busy_environment_is_not_replaced(store: Store, lease: Lease) -> None:
    await put_environment(store, READY)
    asleep, writer = replace(READY, state=EnvironmentState.ASLEEP), store.pulls.writer(lease)
    assert not await writer.replace(replace(READY, visited_at=NOW), asleep)
    assert await writer.replace(READY, asleep)
    assert await kept(store) == asleep

    await put_environment(store, READY)
    await store.start(RUN)
    assert not await writer.replace(READY, asleep)
    assert await kept(store) == READY


async def test_only_a_changed_outage_needs_another_comment(store: Store, lease: Lease) -> None:
    run = await store.start(RUN)
    assert run is not None
    [run] = await store.runs.claim(lease, lambda queue: [entry.id for entry in queue])
    await store.runs.save(replace(run, state=RunState.PASSED), lease)
    await store.runs.shown(run.id, 2, lease)
    await put_environment(store, replace(READY, run=run.id))
    ready, writer = await kept(store), store.pulls.writer(lease)

    assert await writer.replace(ready, idle.asleep(ready))
    assert await store.runs.unshown() == ()

    failing = replace(
        ready, state=EnvironmentState.FAILING, outage=Outage(Reason.CRASH_LOOP, NOW, {"a": "b"})
    )
    assert await writer.replace(idle.asleep(ready), failing)
    assert not await writer.replace(ready, failing), "another replica was faster"
    assert await kept(store) == failing
    assert await store.runs.unshown() == (run.id,)


async def test_visits_and_decisions_wake_only_sleeping_environments(store: Store, lease: Lease) -> None:
    for number, state in enumerate((EnvironmentState.ASLEEP, EnvironmentState.FAILED)):
        found = replace(READY, state=state)
        asleep = state is EnvironmentState.ASLEEP
        expected = replace(found, state=EnvironmentState.WAKING, visited_at=NOW) if asleep else found
        await put_environment(store, found)
        await store.pulls.request_wake(READY.key, NOW)
        assert await kept(store) == expected

        await put_environment(store, found)
        await store.arrivals.accept(Delivery(f"{number}", Trigger.COMMENT, SHOP, 12, NOW))
        await store.inbox.claim(lease, NOW, 1)
        await store.commit(Decision(f"{number}", SHOP, 12, NOW, wake=(READY.key,)), lease)
        assert await kept(store) == expected


async def test_visits_are_stored_by_host_label(store: Store) -> None:
    await put_environment(store, READY)
    later = NOW + timedelta(hours=1)
    await store.pulls.visited({"pr-12-shop": later, "pr-13-gone": later})
    await store.pulls.visited({"pr-12-shop": NOW})
    assert await kept(store) == replace(READY, visited_at=later)
