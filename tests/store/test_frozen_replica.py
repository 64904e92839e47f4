"""A replica that freezes inside a transaction does not stop the others, whatever it has locked."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection, update

from bot.model.errors import RetryLater
from bot.model.reason import Reason
from bot.store import schema
from bot.store.dialects import Lock, hold
from bot.store.records import Store
from tests.real.parts import PATIENCE
from tests.real.postgres import SLOW_MACHINE
from tests.store.rows import evict


@pytest.mark.parametrize("locked", ["the queue", "its own row"])
async def test_the_others_go_on_and_the_frozen_replica_notices(postgres_url: str, locked: str) -> None:
    other = await Store.open(f"{postgres_url}?options={SLOW_MACHINE}")
    frozen = await Store.open(postgres_url)
    await frozen.replicas.join("frozen")
    lease = await other.replicas.join("other")
    begun, thawed = threading.Event(), threading.Event()

    def freeze(connection: Connection) -> None:
        if locked == "the queue":
            hold(connection, Lock.QUEUE)
        else:
            connection.execute(
                update(schema.replicas)
                .values(renewed_at=schema.replicas.c.renewed_at)
                .where(schema.replicas.c.name == "frozen")
            )
        begun.set()
        thawed.wait(PATIENCE)
        connection.exec_driver_sql("SELECT 1")

    stopped = asyncio.create_task(frozen.database.run(freeze))
    try:
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        async with asyncio.timeout(PATIENCE / 2):
            await other.runs.claim(lease, lambda _: ())
            await evict(other, "frozen")
    finally:
        thawed.set()
    with pytest.raises(RetryLater) as told:
        await stopped
    assert told.value.reason is Reason.STORE_UNAVAILABLE
    await frozen.close()
    await other.close()


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
