"""Executes a run step by step: each step is run, retried or stopped, and its result is saved."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import duration
from bot.core.results.cause import with_cause
from bot.core.results.masked import Mask, masked, masked_facts
from bot.core.runs import lifecycle
from bot.engine.metrics import NO_METRICS, Metrics
from bot.engine.running.active_run import ActiveRun
from bot.engine.running.step_recorder import StepRecorder
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.lease import LeaseLost
from bot.model.reason import Reason
from bot.model.run import Run, StepRecord, StepResult, StepState, Trouble
from bot.ports import Clock
from bot.steps import dispatch
from bot.steps.context import StepContext

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunExecutor:
    """Executes runs; setting `stop` interrupts the running step.

    A step ends early for one of four reasons. If it was stopped or timed out, what it has created is removed.
    If this bot shuts down or has lost its lease, nothing is touched: the replica that continues the run
    removes it first.
    """

    recorder: StepRecorder
    clock: Clock
    longest: timedelta
    """Longest duration of a run, counted from its first start."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    metrics: Metrics = NO_METRICS
    timeout: Callable[[float], asyncio.Timeout] = asyncio.timeout
    """Ends a step after this many seconds."""
    mask: Mask = str
    """Masks secrets in a text."""

    async def start(self, active: ActiveRun) -> None:
        """Store that a run has started, or that it was interrupted too often. Raises LeaseLost."""
        if active.run.started_at is None:
            await active.until_stored(partial(self.recorder.first_start, active))
        started = lifecycle.start(active.run, self.clock.now())
        ended = lifecycle.limit_interruptions(started, self.clock.now())
        if ended != started:
            await self._before_its_end(active)
        await active.save(ended)

    async def execute(self, active: ActiveRun, stop: asyncio.Event) -> None:
        """Execute a started run to its end. Raises LeaseLost."""
        run = active.run
        while (index := lifecycle.next_step(run)) is not None and run.stop is None:
            run = await active.save(lifecycle.step_started(run, index, self.clock.now()))
            await active.until_stored(partial(self.recorder.before, active, index))
            result = masked(await self._interruptible(active, index, stop), self.mask)
            result = await active.until_stored(partial(self.recorder.after, active, index, result))
            if result.state is StepState.PASSED and run.steps[index].name == "deploy":
                await self._retire(active, index)
            run = await active.save(lifecycle.step_finished(active.run, index, result, self.clock.now()))
            self._count(run.steps[index])
        await self.end(active)

    async def end(self, active: ActiveRun) -> None:
        """End a run, and clean up after interrupted steps if it was stopped. Raises LeaseLost."""
        if not active.run.state.final:
            await self._before_its_end(active)
            await active.save(lifecycle.stopped(active.run, self.clock.now()))
        self.metrics.run_ended(active.run.state)

    def _count(self, record: StepRecord) -> None:
        if record.state.final:  # Otherwise the replica that resumes the run starts it again, and counts it.
            self.metrics.step_ended(record.name, record.state, record.seconds or 0.0)

    async def _before_its_end(self, active: ActiveRun) -> None:
        """Clean up and store what became of environments, as long as the run has a holder."""
        await self._abandon_interrupted(active)
        await active.until_stored(partial(self.recorder.run_ended, active))

    async def _abandon_interrupted(self, active: ActiveRun) -> None:
        """Remove what interrupted steps have left at their runner, when they are not started again.

        Stopped steps count too: a step may have been stopped before it removed what its earlier attempt had
        left, or while the runner was still creating a resource.
        """
        for index, record in enumerate(active.run.steps):
            interrupted = record.state is StepState.WAITING and record.attempt > 0
            if interrupted or record.state is StepState.CANCELLED:
                await self._abandon(active, index)

    async def _abandon(self, active: ActiveRun, index: int) -> None:
        context = await active.until_stored(partial(self.recorder.context, active, index))
        await self._clean_up(active.run, index, context)

    async def _retire(self, active: ActiveRun, index: int) -> None:
        """Remove what a deployment has taken over from; if that is impossible, the sweep does it."""
        context = await active.until_stored(partial(self.recorder.context, active, index))
        try:
            async with self.timeout(dispatch.MARGIN):
                await dispatch.retire(active.run.plan.steps[index], context)
        except (ChatOpsError, TimeoutError) as error:
            logger.warning("run %s: the next sweep removes the former deployment: %s", active.run.id, error)

    async def _clean_up(self, run: Run, index: int, context: StepContext) -> None:
        """Remove what a step has created; a run that ends does not wait for an unavailable runner."""
        try:
            await dispatch.abandon(run.plan.steps[index], context)
        except ChatOpsError as error:
            logger.warning("run %s: cleaning up failed, the next sweep removes the rest: %s", run.id, error)

    async def _interruptible(self, active: ActiveRun, index: int, stop: asyncio.Event) -> StepResult:
        """Run a step until it ends or `stop` is set; `end` cleans up after a stop."""
        step = asyncio.create_task(self._with_retries(active, index, stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({step, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                step.cancel()
                await asyncio.wait({step})
            return StepResult(StepState.CANCELLED) if step.cancelled() else step.result()
        finally:
            # The step still runs here only if this bot shuts down: the run stays resumable.
            for task in (step, stopping):
                task.cancel()
            await asyncio.gather(step, stopping, return_exceptions=True)
            await self.recorder.flush_log(active.run, index)

    async def _with_retries(self, active: ActiveRun, index: int, stop: asyncio.Event) -> StepResult:
        """Run a step, and retry it after failures of the infrastructure."""
        run = active.run
        context = await active.until_stored(partial(self.recorder.context, active, index))
        context = replace(context, stopped=stop.is_set)
        for attempt in range(1, 1000):
            try:
                return await self._with_timeout(run, index, context)
            except LeaseLost:
                raise
            except RetryLater as error:
                delay = lifecycle.retry_delay(attempt, error.delay)
                if delay is None:
                    return _result(StepState.BROKEN, error)
                context.log.note(f"{error.reason}: {error.facts.get('message', '')} — again in {delay:.0f} s")
                facts = masked_facts(error.facts, self.mask)
                await active.trouble(index, Trouble(error.reason, facts, round(delay)))
            except TellUser as error:
                return _result(StepState.FAILED, error)
            except GiveUp as error:
                logger.warning("run %s: %s", run.id, error)
                return _result(StepState.BROKEN, error)
            except Exception:
                trace = secrets.token_hex(4)
                logger.exception("run %s failed because of a bug; its comment shows the id %s", run.id, trace)
                return StepResult(StepState.BROKEN, Reason.INTERNAL, {"id": trace})
            await self.sleep(delay)
            await active.trouble(index, None)
        raise AssertionError("retry_delay never gave up")

    async def _with_timeout(self, run: Run, index: int, context: StepContext) -> StepResult:
        step = run.plan.steps[index]
        own = dispatch.allowance(step)
        left = lifecycle.time_left(run, self.longest, self.clock.now())
        if left <= 0:
            if context.resumed:
                await self._clean_up(run, index, context)
            raise self._overdue()
        try:
            async with self.timeout(min(own, left)):
                return await dispatch.execute_step(step, context)
        except TimeoutError as error:
            await self._clean_up(run, index, context)
            if left < own:
                raise self._overdue(context.log.tail()) from error
            facts = {"step": step.name, "seconds": str(own)}
            raise TellUser(Reason.TIMED_OUT, facts, log=context.log.tail()) from error

    def _overdue(self, log: str = "") -> TellUser:
        return TellUser(Reason.RUN_TIMED_OUT, {"longest": duration.compact(self.longest)}, log=log)


def _result(state: StepState, error: ChatOpsError) -> StepResult:
    return with_cause(StepResult(state, error.reason, error.facts, log_tail=error.log))
