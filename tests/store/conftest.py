"""A store on each kind of database."""

from collections.abc import AsyncIterator

import pytest

from bot.model.lease import Lease
from bot.store import session
from bot.store.records import Store


@pytest.fixture(autouse=True)
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a lease's session wait as long as a loaded machine needs: no test here is about that."""
    monkeypatch.setattr(session, "ANSWER_SECONDS", 60.0)
    for limit in ("lock_timeout", "statement_timeout"):
        monkeypatch.setitem(session.LIMITS, limit, "60s")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(store_url, inbox_capacity=6)
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    return await store.replicas.join("one")
