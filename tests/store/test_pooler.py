"""The store through PgBouncer in transaction mode, whose few sessions all transactions share."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.model.errors import RetryLater
from bot.model.lease import LeaseLost
from bot.store.records import Store
from tests.real.pgbouncer import pooling
from tests.real.postgres import PostgresServer
from tests.store.rows import evict
from tests.store.values import NOW, delivery

DOCUMENTED = {
    "idle_in_transaction_session_timeout": "5s",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
}
"""What docs/operations.md tells operators to set for the account."""


@pytest.fixture
async def stores(pooled_url: str, postgres_url: str) -> AsyncIterator[tuple[Store, Store]]:
    opened = [await Store.open(pooled_url, lock_url=postgres_url) for _ in range(2)]
    yield opened[0], opened[1]
    for store in opened:
        await store.close()


async def test_transactions_of_several_bots_share_sessions(stores: tuple[Store, Store]) -> None:
    """Statements that one of them had prepared on a session would be unknown on the next, or other ones."""
    leases = [await store.replicas.join(name) for name, store in zip(("one", "two"), stores, strict=True)]

    async def work(number: int) -> None:
        store = stores[number % 2]
        for attempt in range(8):
            await store.arrivals.accept(replace(delivery(f"{number} {attempt}"), number=number))
            await store.runs.queue()
            await store.inbox.pending_pulls()

    await asyncio.gather(*map(work, range(12)))
    claimed = [await s.inbox.claim(lease, NOW, 6) for s, lease in zip(stores, leases, strict=True)]
    assert len({one.number for each in claimed for one, _ in each}) == 12


async def test_a_lease_is_held_and_lost_past_the_pooler(stores: tuple[Store, Store]) -> None:
    first, second = stores
    one, two = await first.replicas.join("one"), await second.replicas.join("two")
    assert (await first.replicas.renew(one)).names == ("one", "two")
    await evict(second, "one")
    assert (await second.replicas.renew(two)).names == ("two",)
    with pytest.raises(LeaseLost):
        await first.replicas.renew(one)
    again = await first.replicas.join("three")
    assert (await first.replicas.renew(again)).names == ("two", "three")


async def test_a_lock_url_through_the_pooler_is_refused(pooled_url: str) -> None:
    store = await Store.open(pooled_url)
    with pytest.raises(RuntimeError, match="PostgreSQL itself, not through a connection pooler"):
        await store.replicas.join("one")
    await store.close()


async def test_a_pooler_that_refuses_the_limits_is_named(postgres: PostgresServer, postgres_url: str) -> None:
    with pooling(postgres) as port, pytest.raises(RetryLater) as told:
        await Store.open(postgres_url.replace(f":{postgres.port}/", f":{port}/"), lock_url=postgres_url)
    assert "unsupported startup parameter: options" in str(told.value)


async def test_limits_of_the_account_hold_through_the_pooler(
    postgres: PostgresServer, pooled_url: str, postgres_url: str
) -> None:
    """The pooler drops those that the bot sends."""
    database = postgres_url.rpartition("/")[2]
    for name, value in DOCUMENTED.items():
        postgres.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET {name} = '{value}'")
    store = await Store.open(pooled_url, lock_url=postgres_url)
    shown = await store.database.read(
        lambda connection: [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in DOCUMENTED]
    )
    assert shown == list(DOCUMENTED.values())
    await store.close()
