"""A run in this replica's hands: its present state, which only changes by being kept first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.engine.records import RunRecords
from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.run import Run, StepRecord, Trouble

T = TypeVar("T")

logger = logging.getLogger(__name__)

PATIENCE = 0.5
"""Seconds between two attempts to keep what happened while the store is away."""


@dataclass(slots=True)
class ActiveRun:
    """Holds one run. What was done is done: it is kept however long the store is away, as the lease lasts."""

    run: Run
    lease: Lease
    records: RunRecords
    changed: Callable[[int], None]
    """Told the run's number whenever there is something new to show."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def save(self, run: Run) -> Run:
        """Save a later state and return it with what others have set meanwhile. Raises LeaseLost."""
        self.run = await self.until_stored(lambda: self.records.save(run, self.lease))
        self.changed(run.id)
        return self.run

    async def until_stored(self, store: Callable[[], Awaitable[T]]) -> T:
        """Ask the store for as long as it is away."""
        while True:
            try:
                return await store()
            except RetryLater as error:
                logger.warning("run %s waits for the store: %s", self.run.id, error)
            await self.sleep(PATIENCE)

    async def trouble(self, index: int, trouble: Trouble | None) -> None:
        """Note why a step under way is tried again in a moment; None once it is."""
        await self._note(index, replace(self.run.steps[index], trouble=trouble))

    async def report_progress(
        self, index: int, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        """Note what a step under way waits for, and by what it is found again; None leaves it as it is."""
        record = self.run.steps[index]
        told = replace(
            record,
            waiting=record.waiting if waiting is None else waiting,
            handle=record.handle if handle is None else handle,
            link=record.link if link is None else link,
        )
        await self._note(index, told)

    async def _note(self, index: int, told: StepRecord) -> None:
        if told != self.run.steps[index]:
            steps = (*self.run.steps[:index], told, *self.run.steps[index + 1 :])
            await self.save(replace(self.run, steps=steps))
