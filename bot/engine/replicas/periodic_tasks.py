"""What is done again and again: each chore in a loop of its own, none able to stop another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.engine.replicas.membership import Membership
from bot.model.errors import ChatOpsError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Something that bears being done twice, left out, or broken off."""

    name: str
    every: float
    """Seconds between the end of one time and the beginning of the next."""
    do: Callable[[], Awaitable[object]]
    everywhere: bool = False
    """Whether each replica does it for itself."""


@dataclass(frozen=True, slots=True)
class PeriodicTasks:
    """Does chores; those for all only while this replica leads."""

    membership: Membership
    chores: Sequence[PeriodicTask]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        """Do them until cancelled."""
        async with asyncio.TaskGroup() as group:
            for chore in self.chores:
                group.create_task(self._repeat(chore), name=f"chore {chore.name}")

    async def _repeat(self, chore: PeriodicTask) -> None:
        while True:
            if chore.everywhere or self.membership.leads:
                await _once(chore)
            await self.sleep(chore.every)


async def _once(chore: PeriodicTask) -> None:
    try:
        await chore.do()
    except ChatOpsError as error:
        logger.warning("%s: %s", chore.name, error)
    except Exception:
        logger.exception("%s met a bug", chore.name)
