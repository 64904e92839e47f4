"""The loop that claims waiting runs within the limits, and stops active runs on request.

Every replica has one. `bot.core.runs.scheduling` decides by the whole queue which runs may start. A claim
counts only if the queue is as it was read, so the limits hold for all replicas together.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from bot.core.runs import lifecycle, scheduling
from bot.core.runs.scheduling import RunLimits
from bot.engine.comments.run_comments import RunComments
from bot.engine.poll_loop import RETRY_AFTER_BUG, PollLoop, RunningTasks
from bot.engine.records import QueueRecords
from bot.engine.replicas.membership import Membership
from bot.engine.running.active_run import ActiveRun
from bot.engine.running.executor import RunExecutor
from bot.model.errors import RetryLater
from bot.model.lease import Lease, LeaseLost
from bot.model.queue import QueueEntry, QueuePosition
from bot.model.run import RunState

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """Owns the tasks that execute runs in this replica."""

    runs: QueueRecords
    executor: RunExecutor
    comments: RunComments
    limits: Callable[[], RunLimits]
    """Returns the limits that hold now."""
    membership: Membership
    loop: PollLoop = field(default_factory=lambda: PollLoop("queue"))
    _tasks: RunningTasks[int] = field(default_factory=RunningTasks)
    _stops: dict[int, asyncio.Event] = field(default_factory=dict)
    _positions: dict[int, QueuePosition] = field(default_factory=dict)

    def wake(self) -> None:
        """Poll the queue at once: a run was added, ended, or is to be stopped."""
        self.loop.wake()

    @property
    def busy(self) -> bool:
        """Whether this process executes a run or is about to claim one."""
        return len(self._tasks) > 0 or self.loop.polling

    async def serve(self) -> None:
        """Claim and stop runs until cancelled; then interrupt the active runs, which stay resumable."""
        try:
            await self.loop.run(self._claim_and_stop, self._tasks)
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Interrupt all active runs and wait until they have cleaned up."""
        await self._tasks.cancel()

    async def _claim_and_stop(self) -> None:
        lease = self.membership.lease
        queue = await self._queue(lease)
        for entry in queue:
            if entry.stopping and entry.id in self._stops:
                self._stops[entry.id].set()
        if self._choose(queue):
            claimed = await self.runs.claim(lease, self._choose)
            if self.membership.lease != lease:
                raise LeaseLost  # it ended before the answer came, and everything else was dropped
            for run in claimed:
                self._start(ActiveRun(run, lease, self.runs, self.comments.update, self.executor.sleep))
            queue = await self.runs.queue()
        self._update_positions(queue)

    async def _queue(self, lease: Lease) -> Sequence[QueueEntry]:
        """Return the queue, after releasing runs that this replica holds but does not execute.

        Such runs remain if the store becomes unavailable during a claim or a release.
        """
        queue = await self.runs.queue()
        lost = [e.id for e in queue if e.holder == lease.replica and e.id not in self._tasks.keys]
        for run_id in lost:
            logger.warning("run %s was claimed but is not executed, it is released", run_id)
            await self.runs.release(run_id, lease)
        return await self.runs.queue() if lost else queue

    def _choose(self, queue: Sequence[QueueEntry]) -> Collection[int]:
        """Pick the runs to claim: those that only must end, then this replica's share of the others."""
        limits = self.limits()
        share = scheduling.share(limits, len(self.membership.members.names)) - len(self._tasks)
        return (*scheduling.ending(queue), *scheduling.startable(queue, limits)[: max(share, 0)])

    def _start(self, active: ActiveRun) -> None:
        self._stops[active.run.id] = asyncio.Event()
        self._tasks.start(active.run.id, self._run(active), f"run {active.run.id}")

    async def _run(self, active: ActiveRun) -> None:
        run_id = active.run.id
        try:
            await self._execute(active)
        except LeaseLost:
            logger.warning("run %s: the lease is lost, another replica continues it", run_id)
        except Exception:
            logger.exception(
                "run %s was interrupted by a bug, it is tried again in %.0f s", run_id, RETRY_AFTER_BUG
            )
            await self.executor.sleep(RETRY_AFTER_BUG)
        finally:
            await self._release(active)
            del self._stops[run_id]
            self._tasks.finished(run_id)
            self.wake()

    async def _execute(self, active: ActiveRun) -> None:
        active.run = lifecycle.resume(active.run)
        if active.run.stop is None:
            await self.executor.start(active)
        if active.run.started_at is not None:
            # Not before it is stored: until then, the comment of the run before it is not folded.
            await active.until_stored(lambda: self.comments.fold(active.run))
        if active.run.stop is None:
            await self.executor.execute(active, self._stops[active.run.id])
        else:
            await self.executor.end(active)
        if "teardown" in active.run.plan.names and active.run.state is not RunState.PASSED:
            # The comment of the run that deployed what was being removed says so too.
            await active.until_stored(self.comments.catch_up)

    async def _release(self, active: ActiveRun) -> None:
        """Release a run. If that fails, a later poll releases it, or it is free when the lease ends.

        Without the lease it will be free anyway, and nothing may wait for a store that may have gone mute.
        """
        try:
            if self.membership.lease == active.lease:
                await self.runs.release(active.run.id, active.lease)
        except LeaseLost:
            return
        except RetryLater as error:
            logger.warning(
                "run %s could not be released now, a later poll releases it: %s", active.run.id, error
            )
        except Exception:
            logger.exception("run %s could not be released because of a bug", active.run.id)

    def _update_positions(self, queue: Sequence[QueueEntry]) -> None:
        """Update the comments of waiting runs whose queue position has changed; only the leader does it."""
        positions = scheduling.queue_positions(queue, self.limits()) if self.membership.leads else {}
        for run_id, position in positions.items():
            if self._positions.get(run_id) != position:
                self.comments.update(run_id)
        self._positions = positions
