"""What a replica does without its lease: it begins nothing, and waits for no answer of the store."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.app.clock import SystemClock
from bot.core.runs.scheduling import RunLimits
from bot.engine.deciding.dispatcher import Dispatcher
from bot.engine.running.worker import Worker
from bot.model.lease import Lease, Members
from bot.model.queue import QueueEntry
from bot.model.text import Language
from tests.real.parts import PATIENCE
from tests.store.test_store import run
from tests.store.values import SHOP, delivery


@dataclass
class Replica:
    """Fake membership and store of a replica that loses its lease while it claims, and the engine's parts."""

    lease: Lease = field(default_factory=lambda: Lease("one"))
    members: Members = field(default_factory=lambda: Members(("one",)))
    leads: bool = False
    claimed: asyncio.Event = field(default_factory=asyncio.Event)
    keeps: bool = False
    """Whether the lease outlives the claim."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether the store answers a release."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def inbox(self) -> "Replica":
        return self

    async def queue(self) -> tuple[QueueEntry, ...]:
        return (QueueEntry(1, SHOP, 12, frozenset()),)

    async def claim(self, _lease: Lease, _by: object, *_: object, **_named: object) -> tuple[object, ...]:
        if not self.keeps:
            self.lease = Lease("two")
        self.claimed.set()
        return (run(),) if callable(_by) else ((delivery("one"), 0),)

    async def decide(self, *_: object) -> None:
        self.begun.set()
        await asyncio.Event().wait()

    fold = start = execute = end = decide

    async def release(self, *_: object) -> None:
        await self.answered.wait()

    def update(self, _: int) -> None:
        """Do nothing."""

    async def sleep(self, _: float) -> None:
        """Do nothing."""


def worker(replica: Any) -> Worker:
    return Worker(replica, replica, replica, lambda: RunLimits(1, 1), replica)


def dispatcher(replica: Any) -> Dispatcher:
    return Dispatcher(
        replica, replica, replica, replica, replica, SystemClock(), Language.EN, metrics=replica
    )


@pytest.mark.parametrize("part", [worker, dispatcher])
async def test_nothing_begins_under_a_lease_that_has_ended(
    part: Callable[[Replica], Worker | Dispatcher],
) -> None:
    replica = Replica()
    replica.answered.set()
    serving = asyncio.create_task(part(replica).serve())
    await replica.claimed.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert not replica.begun.is_set()


async def test_a_lost_run_is_not_released_over_a_mute_connection() -> None:
    replica = Replica(keeps=True)
    busy = worker(replica)
    serving = asyncio.create_task(busy.serve())
    async with asyncio.timeout(PATIENCE):
        await replica.begun.wait()
        replica.lease = Lease("two")
        await busy.drop()
    replica.answered.set()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
