"""A run that this replica executes: every change of its state is stored before anything else happens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.engine.records import RunSaver
from bot.model.errors import RetryLater
from bot.model.lease import Lease
from bot.model.run import Run, StepRecord, Trouble

T = TypeVar("T")

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Seconds between two attempts to write to the store while it is unavailable."""


@dataclass(slots=True)
class ActiveRun:
    """One run and its lease. What has happened is stored, however long the store is unavailable."""

    run: Run
    lease: Lease
    runs: RunSaver
    changed: Callable[[int], None]
    """Called with the run's number after every stored change."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def save(self, run: Run) -> Run:
        """Save a new state and return it with what others have set since. Raises LeaseLost."""
        self.run = await self.until_stored(lambda: self.runs.save(run, self.lease))
        self.changed(run.id)
        return self.run

    async def confirm(self) -> None:
        """Raise LeaseLost if another replica may execute the run by now."""
        await self.until_stored(lambda: self.runs.confirm(self.run.id, self.lease))

    async def until_stored(self, store: Callable[[], Awaitable[T]]) -> T:
        """Repeat an operation of the store until the store is available."""
        while True:
            try:
                return await store()
            except RetryLater as error:
                logger.warning("run %s waits until the store is available: %s", self.run.id, error)
            await self.sleep(RETRY_SECONDS)

    async def trouble(self, index: int, trouble: Trouble | None) -> None:
        """Store why the running step is tried again soon; None once the attempt starts."""
        await self._save_step(index, replace(self.run.steps[index], trouble=trouble))

    async def report_progress(
        self, index: int, *, waiting: str | None = None, handle: str | None = None, link: str | None = None
    ) -> None:
        """Implement `bot.ports.ReportProgress` for the step with this index."""
        record = self.run.steps[index]
        record = replace(
            record,
            waiting=record.waiting if waiting is None else waiting,
            handle=record.handle if handle is None else handle,
            link=record.link if link is None else link,
        )
        await self._save_step(index, record)

    async def _save_step(self, index: int, record: StepRecord) -> None:
        if record != self.run.steps[index]:
            steps = (*self.run.steps[:index], record, *self.run.steps[index + 1 :])
            await self.save(replace(self.run, steps=steps))
