"""A store on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from bot.model.lease import Lease
from bot.store.records import Store


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, inbox_capacity=6)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    return await store.replicas.join("one")
