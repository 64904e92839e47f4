"""The dispatcher is woken for what is new, and for nothing else: it polls the inbox anyway, but later."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bot.app.inbox import NotifyingInbox
from bot.model.delivery import Delivery
from bot.store.records import Store
from tests.fakes.stored import fail
from tests.store.values import NOW, delivery


@dataclass
class Woken:
    """An inbox on an empty store, and how often it woke the dispatcher."""

    inbox: NotifyingInbox
    wakes: list[None] = field(default_factory=list)


@pytest.fixture
async def woken() -> AsyncIterator[Woken]:
    wakes: list[None] = []
    store = await Store.open("sqlite://")
    yield Woken(NotifyingInbox(store, lambda: wakes.append(None)), wakes)
    await store.close()


@pytest.mark.parametrize("way", ["accept", "recover"])
async def test_only_a_new_delivery_wakes_the_dispatcher(woken: Woken, way: str) -> None:
    take: Callable[[Delivery], Awaitable[bool]] = getattr(woken.inbox, way)
    assert await take(delivery("a"))
    assert len(woken.wakes) == 1
    assert not await take(delivery("a"))
    assert len(woken.wakes) == 1


@pytest.mark.parametrize("way", ["accept", "recover"])
async def test_a_delivery_that_was_given_up_wakes_it_again(woken: Woken, way: str) -> None:
    await woken.inbox.accept(delivery("a"))
    await fail(woken.inbox.store, "a", "given up", NOW)
    assert await getattr(woken.inbox, way)(delivery("a"))
    assert len(woken.wakes) == 2
