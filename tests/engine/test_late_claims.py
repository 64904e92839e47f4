"""What a replica has claimed is not begun if the lease ended before the store's answer came."""

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
from tests.store.test_store import run
from tests.store.values import SHOP, delivery


@dataclass
class Replica:
    """Fake membership and store of a replica that loses its lease while it claims, and the engine's parts."""

    lease: Lease = field(default_factory=lambda: Lease("one"))
    members: Members = field(default_factory=lambda: Members(("one",)))
    leads: bool = False
    claimed: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0

    @property
    def inbox(self) -> "Replica":
        return self

    async def queue(self) -> tuple[QueueEntry, ...]:
        return (QueueEntry(1, SHOP, 12, frozenset()),)

    async def claim(self, _lease: Lease, _by: object, *_: object, **_named: object) -> tuple[object, ...]:
        self.lease = Lease("two")
        self.claimed.set()
        return (run(),) if callable(_by) else ((delivery("one"), 0),)

    async def decide(self, *_: object) -> None:
        self.begun += 1
        await asyncio.Event().wait()

    fold = execute = end = decide

    async def release(self, *_: object) -> None:
        """Do nothing."""

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
    serving = asyncio.create_task(part(replica).serve())
    await replica.claimed.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert not replica.begun
