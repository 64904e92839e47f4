"""The identity of the store."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime

from bot.store.records import Store
from tests.core.test_markers import RUN
from tests.store.test_migrations import made, opened


async def test_a_new_store_has_an_identity_of_its_own_for_ever(store_url: str) -> None:
    before = datetime.now(UTC)
    first = await Store.open(store_url)
    identity = await first.identities.current()
    await first.close()
    again = await Store.open(store_url)
    assert await again.identities.all() == (identity,)
    await again.close()
    assert re.fullmatch(r"[a-z2-9]{8}", identity.id)
    assert before <= identity.created_at <= datetime.now(UTC)


async def test_an_upgraded_store_is_as_old_as_what_it_holds(store_url: str) -> None:
    await asyncio.to_thread(made, store_url, "0007")
    await asyncio.to_thread(opened, store_url)
    store = await Store.visit(store_url)
    identity = await store.identities.current()
    await store.close()
    assert identity.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_of_two_replicas_one_gives_the_store_a_new_identity(store: Store) -> None:
    before = await store.identities.current()
    now = datetime.now(UTC)
    assert await store.identities.renew(before.id, now)
    assert not await store.identities.renew(before.id, now)
    current, earlier = await store.identities.all()
    assert earlier == before
    assert (current.created_at, current.id != before.id) == (now, True)


async def test_a_run_has_a_number_and_a_random_name(store: Store) -> None:
    assert await store.runs.newest() == 0
    started = await store.start(replace(RUN, id=0, uid=""))
    assert started is not None
    assert re.fullmatch(r"1-[a-z2-9]{6}", started.name)
    assert await store.runs.run(1) == started
    assert await store.runs.newest() == 1
