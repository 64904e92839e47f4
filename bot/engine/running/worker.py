"""The loop that takes up waiting runs as the limits allow, and stops those under way that are flagged.

Every replica has one. `bot.core.runs.scheduling` decides on the whole queue what may begin, while the store
keeps the others from choosing, so that limits hold for all replicas together.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from bot.core.runs import lifecycle, scheduling
from bot.core.runs.scheduling import Limits
from bot.engine.comments.run_comments import RunComments
from bot.engine.poll_loop import PollLoop, RunningTasks
from bot.engine.records import Records
from bot.engine.replicas.membership import Membership
from bot.engine.running.active_run import ActiveRun
from bot.engine.running.executor import RunExecutor
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost
from bot.model.queue import QueueEntry, QueuePosition

logger = logging.getLogger(__name__)

RETRY_AFTER_BUG = 30.0
"""Seconds until a run that could not be carried on is tried again."""


@dataclass(slots=True)
class Worker:
    """Owns the tasks of the runs in this replica's hands."""

    records: Records
    executor: RunExecutor
    comments: RunComments
    limits: Limits
    membership: Membership
    _tasks: RunningTasks[int] = field(default_factory=RunningTasks)
    _stops: dict[int, asyncio.Event] = field(default_factory=dict)
    _places: dict[int, QueuePosition] = field(default_factory=dict)
    _poll: PollLoop = field(default_factory=lambda: PollLoop("queue"))

    def wake(self) -> None:
        """Look again at what waits: a run was added or flagged, or one ended."""
        self._poll.wake()

    @property
    def busy(self) -> bool:
        """Whether a run is under way in this process, its last words included."""
        return len(self._tasks) > 0 or self._poll.polling

    async def serve(self) -> None:
        """Take up and stop runs until cancelled; runs under way are interrupted and left resumable."""
        try:
            await self._poll.run(self._look)
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Interrupt everything under way, and return when its clean-up is done."""
        await self._tasks.cancel()

    async def _look(self) -> None:
        lease = self.membership.lease
        queue = await self._free_queue(lease)
        for entry in queue:
            if entry.stopping and entry.id in self._stops:
                self._stops[entry.id].set()
        if self._choose(queue):
            for run in await self.records.runs.claim(lease, self._choose):
                self._take(
                    ActiveRun(run, lease, self.records.runs, self.comments.update, self.executor.sleep)
                )
            queue = await self.records.runs.queue()
        self._show_places(queue)

    async def _free_queue(self, lease: Lease) -> Sequence[QueueEntry]:
        """Return the queue after giving back runs that carry this replica's name but are not executed by it.

        The answer to a claim, or the request to give a run back, is lost where the store goes away meanwhile.
        """
        queue = await self.records.runs.queue()
        lost = [e.id for e in queue if e.holder == lease.replica and e.id not in self._tasks.keys]
        for run_id in lost:
            logger.warning("run %s was taken without anybody carrying it out: it is given back", run_id)
            await self.records.runs.release(run_id, lease)
        return await self.records.runs.queue() if lost else queue

    def _choose(self, queue: Sequence[QueueEntry]) -> Collection[int]:
        """Pick what to take up: this replica's share of what may begin, and whatever only wants an end."""
        share = scheduling.share(self.limits, len(self.membership.members.heartbeats)) - len(self._tasks)
        return (*scheduling.ending(queue), *scheduling.startable(queue, self.limits)[: max(share, 0)])

    def _take(self, active: ActiveRun) -> None:
        self._stops[active.run.id] = asyncio.Event()
        self._tasks.start(active.run.id, self._run(active), f"run {active.run.id}")

    async def _run(self, active: ActiveRun) -> None:
        run_id = active.run.id
        try:
            await self._execute(active)
        except LeaseLost:
            logger.warning("run %s is in other hands", run_id)
        except Exception:
            logger.exception("run %s could not be carried on", run_id)
            await self.executor.sleep(RETRY_AFTER_BUG)
        finally:
            await self._release(active)
            del self._stops[run_id]
            self._tasks.finished(run_id)
            self.wake()

    async def _execute(self, active: ActiveRun) -> None:
        active.run = lifecycle.resume(active.run)
        if active.run.stop is not None:
            await self.executor.end(active)
            return
        await active.until_stored(lambda: self.comments.fold(active.run))
        await self.executor.execute(active, self._stops[active.run.id])

    async def _release(self, active: ActiveRun) -> None:
        """Give an interrupted run back; where the store is away, its lease runs out."""
        try:
            await self.records.runs.release(active.run.id, active.lease)
        except RetryLater as error:
            logger.warning("run %s could not be given back: %s", active.run.id, error)

    def _show_places(self, queue: Sequence[QueueEntry]) -> None:
        """Renew the comments of waiting runs whose place in line has changed; one replica does it for all."""
        places = scheduling.queue_positions(queue, self.limits) if self.membership.leads else {}
        for run_id, place in places.items():
            if self._places.get(run_id) != place:
                self.comments.update(run_id)
        self._places = places
