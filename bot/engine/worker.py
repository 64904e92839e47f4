"""The loop that begins waiting runs within the limits and stops running ones that are flagged."""

import asyncio
import logging
from dataclasses import dataclass, field

from bot.core import lifecycle, scheduling, showing
from bot.core.scheduling import Limits
from bot.engine.progress import Progress
from bot.engine.records import Records
from bot.engine.walk import Walker
from bot.model.run import Run, RunState

logger = logging.getLogger(__name__)

RECENT = 50
"""How many of the newest runs are looked through after a start."""


@dataclass(slots=True)
class Worker:
    """Owns the tasks of the runs under way in this process."""

    records: Records
    walker: Walker
    progress: Progress
    limits: Limits
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _stops: dict[int, asyncio.Event] = field(default_factory=dict)
    _looking: bool = False
    _places: dict[int, int] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look again at what waits: a run was added or flagged, or one ended."""
        self._wake.set()

    @property
    def busy(self) -> bool:
        """Whether a run is under way in this process, its last words included."""
        return bool(self._tasks) or self._looking

    async def recover(self) -> None:
        """Take up what an earlier process left: interrupted runs wait again, at their interrupted step.

        Comments of runs that ended just before are shown once more: their last words may not have got out.
        """
        for run in await self.records.runs.unfinished():
            if run.state is RunState.RUNNING:
                await self.progress.keep(lifecycle.resume(run))
        for run in showing.newest_ended(await self.records.runs.runs(limit=RECENT)):
            self.progress.show(run)

    async def serve(self) -> None:
        """Begin and stop runs until cancelled; runs under way then are left resumable."""
        await self.recover()
        try:
            while True:
                self._wake.clear()
                self._looking = True
                await self._look()
                self._looking = False
                await self._wake.wait()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        unfinished = await self.records.runs.unfinished()
        for run in unfinished:
            if run.stop is not None:
                await self._stop(run)
        waiting = [run for run in unfinished if run.stop is None or run.state is RunState.RUNNING]
        for run_id in scheduling.startable(waiting, self.limits):
            self._begin(next(run for run in waiting if run.id == run_id))
        self._show_places([run for run in waiting if run.id not in self._tasks])

    async def _stop(self, run: Run) -> None:
        if run.id in self._stops:
            self._stops[run.id].set()
            return
        # Nobody carries it out: it waits, or could not be carried on. It may have ended since it was read.
        found = await self.records.runs.run(run.id)
        if found is not None and not found.state.final:
            await self.progress.end(lifecycle.stopped(found, self.progress.clock.now()))

    def _begin(self, run: Run) -> None:
        if run.id not in self._tasks:
            self._stops[run.id] = asyncio.Event()
            self._tasks[run.id] = asyncio.create_task(self._walk(run), name=f"run {run.id}")

    async def _walk(self, run: Run) -> None:
        try:
            await self.progress.fold(run)
            await self.walker.walk(run, self._stops[run.id])
        except Exception:
            # The store or the disk is in trouble: the run stays as it is, to be taken up at the next start.
            logger.exception("run %s could not be carried on", run.id)
        finally:
            del self._tasks[run.id], self._stops[run.id]
            self.wake()

    def _show_places(self, waiting: list[Run]) -> None:
        """Renew the comments of waiting runs whose place in line has changed."""
        places = scheduling.positions(waiting)
        for run in waiting:
            if run.id in places and self._places.get(run.id) != places[run.id]:
                self.progress.show(run, position=places[run.id])
        self._places = places
