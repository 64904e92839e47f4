"""What one replica commits for others wakes those that listen, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StopRequest
from bot.store import leases, notifications, session
from bot.store.notifications import Notifications
from bot.store.records import Store
from bot.store.session import ANSWER_SECONDS
from tests.crash.wire import Wire
from tests.fakes.stored import fail, hold_run
from tests.real.parts import PATIENCE
from tests.real.postgres import SLOW_MACHINE, PostgresServer
from tests.store.stopping import request_stop
from tests.store.test_store import run
from tests.store.values import NOW, SHOP, decision, delivery

RUNS, DELIVERIES = frozenset({Queue.RUNS}), frozenset({Queue.DELIVERIES})
INVISIBLE = f"{Reason.REPOSITORY_INVISIBLE}: 404"
END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@dataclass(frozen=True)
class Pair:
    """A replica that changes the store, and a session of another one that listens."""

    store: Store
    lease: Lease
    run: Run
    listening: Notifications

    async def told(self) -> frozenset[Queue]:
        """Return the notifications of the other one until there are no more."""
        found: frozenset[Queue] = frozenset()
        while changed := await self.listening.changed():
            found |= changed
        return found


@pytest.fixture
async def pair(postgres_url: str) -> AsyncIterator[Pair]:
    store = await Store.open(f"{postgres_url}?options={SLOW_MACHINE}")
    lease = await store.replicas.join("one")
    started = await store.start(run())
    assert started is not None
    await hold_run(store, started.id, lease)
    for key in ("held", "invisible"):
        await store.arrivals.accept(delivery(key))
    await store.inbox.claim(lease, NOW, 1)
    await fail(store, "invisible", INVISIBLE, NOW)
    listening = Notifications(postgres_url)
    assert await listening.changed() == frozenset(Queue), "what it may have missed"
    yield Pair(store, lease, started, listening)
    listening.close()
    await store.close()


async def ended(pair: Pair) -> object:
    return await pair.store.runs.save(replace(pair.run, state=RunState.PASSED), pair.lease)


async def evicted(pair: Pair) -> None:
    other = await Store.open(pair.store.database.engine.url.render_as_string(hide_password=False))
    await other.replicas.join("two")
    await pair.store.replicas.close()
    async with asyncio.timeout(PATIENCE):
        while not await other.replicas.evict("one"):  # noqa: ASYNC110 - the server ends the session
            await asyncio.sleep(0.02)
    await other.close()


COMMITTED: dict[str, tuple[Callable[[Pair], Awaitable[object]], frozenset[Queue]]] = {
    "a delivery": (lambda pair: pair.store.arrivals.accept(delivery("new")), DELIVERIES),
    "deliveries to decide again": (
        lambda pair: pair.store.given_up.resume(SHOP, NOW - timedelta(days=1), NOW),
        DELIVERIES,
    ),
    "a decision that starts a run": (
        lambda pair: pair.store.commit(decision("held", start=run()), pair.lease),
        RUNS,
    ),
    "a run": (lambda pair: pair.store.start(replace(run(), number=13)), RUNS),
    "a stop": (lambda pair: request_stop(pair.store, [pair.run.id], StopRequest(Reason.CANCELLED)), RUNS),
    "the end of a run": (ended, RUNS),
    "a release": (lambda pair: pair.store.runs.release(pair.run.id, pair.lease), RUNS),
    "a replica that leaves": (lambda pair: pair.store.replicas.leave(pair.lease), RUNS | DELIVERIES),
    "an eviction": (evicted, RUNS | DELIVERIES),
    "progress": (lambda pair: pair.store.runs.save(pair.run, pair.lease), frozenset()),
    "a known delivery": (lambda pair: pair.store.arrivals.accept(delivery("held")), frozenset()),
}


@pytest.mark.parametrize(("commit", "told"), COMMITTED.values(), ids=COMMITTED)
async def test_what_concerns_others_wakes_them(
    pair: Pair,
    commit: Callable[[Pair], Awaitable[object]],
    told: frozenset[Queue],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(notifications, "WAIT_SECONDS", 0.3)
    await commit(pair)
    assert await pair.told() == told


async def test_a_lost_session_is_noticed_and_begun_again(pair: Pair, postgres: PostgresServer) -> None:
    postgres.execute(END)
    with pytest.raises(RetryLater):
        await pair.listening.changed()
    await pair.store.arrivals.accept(delivery("missed"))
    assert await pair.listening.changed() == frozenset(Queue)
    await pair.store.arrivals.accept(delivery("new"))
    assert await pair.listening.changed() == DELIVERIES


async def test_a_mute_session_is_noticed_and_begun_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "WAIT_SECONDS", 0.1)
    async with Wire(postgres_url) as wire:
        listening = Notifications(wire.bot_url)
        assert await listening.changed() == frozenset(Queue)
        monkeypatch.setattr(session, "ANSWER_SECONDS", 0.5)
        wire.mute = True
        with pytest.raises(RetryLater, match="no answer"):
            await listening.changed()
        wire.mute = False
        monkeypatch.setattr(session, "ANSWER_SECONDS", ANSWER_SECONDS)
        assert await listening.changed() == frozenset(Queue)
        listening.close()


def test_a_session_that_waits_is_not_taken_for_lost() -> None:
    assert notifications.WAIT_SECONDS < ANSWER_SECONDS
