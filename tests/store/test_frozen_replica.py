"""A replica that freezes does not stop the others, whatever it was doing: a claim holds nothing."""

import asyncio
import threading
from dataclasses import replace

import pytest
from sqlalchemy import Connection, update

from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.queue import Queue
from bot.model.reason import Reason
from bot.store import queues, schema
from bot.store.records import Store
from tests.crash.servers import INSIDE
from tests.crash.wire import COMMIT, Wire
from tests.real.parts import PATIENCE
from tests.real.postgres import SLOW_MACHINE, PostgresServer
from tests.store.rows import evict
from tests.store.test_store import run
from tests.store.values import NOW, delivery

HELD = """SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE application_name = 'frozen' AND locktype NOT IN ('advisory', 'virtualxid')"""
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def until(server: PostgresServer, question: str, answer: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(server.execute, question) != [(answer,)]:  # noqa: ASYNC110 - a server can only be asked
            await asyncio.sleep(0.02)


async def claim(store: Store, lease: Lease) -> int:
    """Claim one run and one delivery; return how many were claimed."""
    claimed = await store.runs.claim(lease, lambda queue: [one.id for one in queue if not one.held][:1])
    return len(claimed) + len(await store.inbox.claim(lease, NOW, 1))


@pytest.mark.parametrize("sent", [b"FROM runs", b"UPDATE runs", b"FROM deliveries", b"UPDATE deliveries"])
async def test_a_claim_that_freezes_anywhere_delays_nobody(
    postgres_url: str, postgres: PostgresServer, sent: bytes
) -> None:
    """After these words nothing passes: the server cannot tell this from a frozen process."""
    other = await Store.open(f"{postgres_url}?options={SLOW_MACHINE}")
    lease = await other.replicas.join("other")
    for number in range(1, 4):
        await other.start(replace(run(), number=number))
        await other.arrivals.accept(replace(delivery(str(number)), number=number))
    async with Wire(postgres_url) as wire:
        frozen = await Store.open(wire.bot_url, lock_url=postgres_url)
        claiming = asyncio.create_task(claim(frozen, await frozen.replicas.join("frozen")))
        reached = asyncio.Event()

        def freeze() -> None:
            wire.mute = True
            reached.set()

        wire.when(sent, freeze)
        async with asyncio.timeout(PATIENCE):
            await reached.wait()
            assert await claim(other, lease) == 2
        await until(postgres, HELD, 0)
        assert not claiming.done()
        await frozen.replicas.close()
        await frozen.database.begin_again("thawed")
        with pytest.raises(RetryLater):
            await claiming
        await frozen.close()
    await other.close()


async def test_a_claim_that_waited_for_another_one_chooses_again(
    postgres_url: str, postgres: PostgresServer
) -> None:
    """Its statement began before the other claim was committed, so it cannot have seen it."""
    store = await Store.open(f"{postgres_url}?options={SLOW_MACHINE}")
    lease = await store.replicas.join("one")
    for number in (1, 2):
        await store.start(replace(run(), number=number))
    chosen: list[list[int]] = []

    def choose(entries: object) -> list[int]:
        chosen.append([2])
        return chosen[-1]

    with store.database.engine.begin() as connection:
        first = queues.Change(0, schema.runs.c.id == 1, {"holder": "one"})
        assert queues.change_at(connection, queue=Queue.RUNS, chosen=first)
        claiming = asyncio.create_task(store.runs.claim(lease, choose))
        await until(postgres, WAITS, 1)
        assert len(chosen) == 1
    assert [one.id for one in await claiming] == [2]
    assert len(chosen) == 2
    await store.close()


@pytest.mark.parametrize("locked", ["a waiting run", "its own row"])
async def test_the_others_go_on_and_the_frozen_replica_notices(
    postgres_url: str, postgres: PostgresServer, locked: str
) -> None:
    other = await Store.open(f"{postgres_url}?options={SLOW_MACHINE}")
    frozen = await Store.open(postgres_url)
    await frozen.replicas.join("frozen")
    lease = await other.replicas.join("other")
    for number in (1, 2):
        await other.start(replace(run(), number=number))
    begun, thawed = threading.Event(), threading.Event()
    rows = {
        "a waiting run": update(schema.runs).values(revision=9).where(schema.runs.c.id == 1),
        "its own row": update(schema.replicas)
        .values(name="frozen")
        .where(schema.replicas.c.name == "frozen"),
    }

    def freeze(connection: Connection) -> None:
        connection.execute(rows[locked])
        begun.set()
        thawed.wait(PATIENCE)
        connection.exec_driver_sql("SELECT 1")

    stopped = asyncio.create_task(frozen.database.run(freeze))
    try:
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        async with asyncio.timeout(PATIENCE / 2):
            claimed = await other.runs.claim(lease, lambda _: [1, 2])
            assert [one.id for one in claimed] == [2] if locked == "a waiting run" else [1, 2]
            await evict(other, "frozen")
        await until(postgres, HELD, 0)
    finally:
        thawed.set()
    with pytest.raises(RetryLater) as told:
        await stopped
    assert told.value.reason is Reason.STORE_UNAVAILABLE
    await frozen.close()
    await other.close()


async def test_a_replica_that_freezes_before_a_commit_is_inside_a_transaction(
    postgres_url: str, postgres: PostgresServer
) -> None:
    """The nemesis of the crash tests catches bots there."""
    async with Wire(postgres_url) as wire:
        store = await Store.open(wire.bot_url)
        await store.replicas.join("frozen")
        caught = asyncio.Event()
        released = wire.catch(COMMIT, caught.set)
        accepting = asyncio.create_task(store.arrivals.accept(delivery("one")))
        async with asyncio.timeout(PATIENCE):
            await caught.wait()
        inside = await asyncio.to_thread(postgres.execute, INSIDE)
        released.set()
        assert await accepting
        assert inside == [("frozen",)]
        await store.close()


async def test_the_options_of_the_operator_win(postgres_url: str) -> None:
    store = await Store.open(f"{postgres_url}?options=-c%20idle_in_transaction_session_timeout%3D7s")
    shown = await store.database.read(
        lambda connection: [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("idle_in_transaction_session_timeout", "tcp_keepalives_idle")
        ]
    )
    assert shown == ["7s", "5"]
    await store.close()
