from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.model.lease import Lease
from bot.store.records import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{tmp_path}/state/chatops.db", inbox_capacity=3)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    return await store.replicas.join("one")
