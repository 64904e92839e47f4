"""Periodic tasks: each runs in its own loop, so that none can hold up another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.engine.replicas.membership import Membership
from bot.model.errors import ChatOpsError
from bot.model.lease import LeaseLost

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """An idempotent periodic task; it may be skipped, repeated or cancelled."""

    name: str
    every: float
    """Seconds between the end of one run and the start of the next."""
    do: Callable[[], Awaitable[object]]
    everywhere: bool = False
    """Whether every replica runs it."""


@dataclass(frozen=True, slots=True)
class PeriodicTasks:
    """Runs periodic tasks: most of them only while this replica is the leader."""

    membership: Membership
    tasks: Sequence[PeriodicTask]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _leading: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self) -> None:
        """Run them until cancelled."""
        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(self._repeat(task), name=f"periodic task {task.name}")

    async def drop(self) -> None:
        """Cancel what this replica does as the leader: another one may be doing it by now."""
        await _cancelled(self._leading)

    async def _repeat(self, task: PeriodicTask) -> None:
        while True:
            if task.everywhere:
                await _once(task)
            elif self.membership.leads:
                await self._lead(task)
            await self.sleep(task.every)

    async def _lead(self, task: PeriodicTask) -> None:
        running = asyncio.create_task(_once(task), name=f"leader's {task.name}")
        self._leading.add(running)
        try:
            await asyncio.wait({running})
        finally:
            await _cancelled({running})
            self._leading.discard(running)


async def _cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _once(task: PeriodicTask) -> None:
    try:
        await task.do()
    except LeaseLost:
        logger.warning("%s ended: the lease is lost, another replica does it", task.name)
    except ChatOpsError as error:
        logger.warning("%s failed, next attempt in %.0f s: %s", task.name, task.every, error)
    except Exception:
        logger.exception("%s failed because of a bug, next attempt in %.0f s", task.name, task.every)
