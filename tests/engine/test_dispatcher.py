"""The dispatcher goes on, whatever becomes of one delivery."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.engine.deciding.dispatcher import Dispatcher
from bot.model.delivery import Delivery
from bot.model.lease import Lease
from bot.model.text import Language
from tests.real.parts import PATIENCE
from tests.store.values import delivery


@dataclass
class BrokenInbox:
    """A store with one delivery, which can neither be decided nor closed: both hit a bug."""

    lease: Lease = field(default_factory=lambda: Lease("one"))
    claims: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inbox(self) -> "BrokenInbox":
        return self

    async def claim(self, *_: object, handling: tuple[str, ...], **_named: object) -> tuple[object, ...]:
        if handling:
            return ()
        self.claims += 1
        return ((delivery("one"), 0),)

    async def decide(self, _: Delivery) -> None:
        raise RuntimeError("a bug")

    async def fail(self, *_: object) -> None:
        self.closed.set()
        raise RuntimeError("another bug")

    def delivery_given_up(self, _: object) -> None:
        """Do nothing."""


async def test_a_delivery_that_cannot_be_closed_is_not_handled_again_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken: Any = BrokenInbox()
    dispatcher = Dispatcher(broken, broken, broken, broken, broken, SystemClock(), Language.EN, broken)
    serving = asyncio.create_task(dispatcher.serve())
    async with asyncio.timeout(PATIENCE):
        await broken.closed.wait()
    for _ in range(20):
        await asyncio.sleep(0)

    assert broken.claims == 1
    assert "delivery one is handled again in 30 s, because of a bug" in caplog.text
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
