"""One run from its first step to its last: each is carried out, retried or stopped, and its result kept."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import duration
from bot.core.runs import lifecycle
from bot.engine.metrics import UNMEASURED, Measures
from bot.engine.running.run_handle import Hand
from bot.engine.running.step_context import Progress
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.lease import LeaseLost
from bot.model.reason import Reason
from bot.model.run import Run, StepRecord, StepResult, StepState, Trouble
from bot.ports import Clock
from bot.steps import carrying
from bot.steps.work import Work

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Walker:
    """Carries out runs; `stop` events interrupt the step that is under way."""

    progress: Progress
    clock: Clock
    longest: timedelta
    """How long a run may take, from its first beginning on."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    measures: Measures = UNMEASURED
    timeout: Callable[[float], asyncio.Timeout] = asyncio.timeout
    """Ends a step after so many seconds."""

    async def walk(self, hand: Hand, stop: asyncio.Event) -> None:
        """Take a run from where it stands to its end. Raises LeaseLost."""
        begun = lifecycle.begin(hand.run, self.clock.now())
        ended = lifecycle.worn_out(begun, self.clock.now())
        if ended != begun:
            await self._abandon_interrupted(hand)
        run = await hand.keep(ended)
        while (index := lifecycle.next_step(run)) is not None and run.stop is None:
            run = await hand.keep(lifecycle.step_started(run, index, self.clock.now()))
            await hand.insist(partial(self.progress.before, run, index))
            result = await self._interruptible(hand, index, stop)
            await hand.insist(partial(self.progress.after, run, index, result))
            run = await hand.keep(lifecycle.step_finished(hand.run, index, result, self.clock.now()))
            self._measure(run.steps[index])
        await self.end(hand)

    async def end(self, hand: Hand) -> None:
        """End a run, and remove what it leaves half done if it was stopped. Raises LeaseLost."""
        if not hand.run.state.final:
            await self._abandon_interrupted(hand)
        await hand.insist(partial(self.progress.given_up, hand.run))
        if not hand.run.state.final:
            await hand.keep(lifecycle.stopped(hand.run, self.clock.now()))
        self.measures.run_ended(hand.run.state)

    def _measure(self, record: StepRecord) -> None:
        if record.state.final:  # else it is begun anew by whoever takes the run up
            self.measures.step_ended(record.name, record.state, record.seconds or 0.0)

    async def _abandon_interrupted(self, hand: Hand) -> None:
        """Remove what interrupted steps have left, where nobody begins them again.

        A step that was stopped counts too: it may have been stopped before it could remove what its
        earlier attempt had left, or while the runner was still creating what it had asked for.
        """
        for index, record in enumerate(hand.run.steps):
            interrupted = record.state is StepState.WAITING and record.attempt > 0
            if interrupted or record.state is StepState.CANCELLED:
                await self._abandon(hand, index)

    async def _abandon(self, hand: Hand, index: int) -> None:
        work = await hand.insist(partial(self.progress.work, hand, index))
        try:
            await carrying.abandon(hand.run.plan.steps[index], work)
        except ChatOpsError as error:
            # The sweep finds it: a run that was asked to stop does not wait for a runner that is away.
            logger.warning("run %s: what it left could not be removed: %s", hand.run.id, error)

    async def _interruptible(self, hand: Hand, index: int, stop: asyncio.Event) -> StepResult:
        """Carry a step out until it ends or `stop` is set; its clean-up is always waited for."""
        step = asyncio.create_task(self._persistent(hand, index, stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({step, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                step.cancel()
                await asyncio.wait({step})
            return StepResult(StepState.CANCELLED) if step.cancelled() else step.result()
        finally:
            # Reached with the step still going only when this bot shuts down: the run stays resumable.
            for task in (step, stopping):
                task.cancel()
            await asyncio.gather(step, stopping, return_exceptions=True)
            await self.progress.last_words(hand.run, index)

    async def _persistent(self, hand: Hand, index: int, stop: asyncio.Event) -> StepResult:
        """Carry a step out, again where infrastructure was at fault."""
        run = hand.run
        work = await hand.insist(partial(self.progress.work, hand, index))
        work = replace(work, stopped=stop.is_set)
        for attempt in range(1, 1000):
            try:
                return await self._timed(run, index, work)
            except LeaseLost:
                raise
            except RetryLater as error:
                delay = lifecycle.retry_delay(attempt, error.delay)
                if delay is None:
                    return _result(StepState.BROKEN, error)
                work.log.note(f"{error.reason}: {error.facts.get('message', '')} — again in {delay:.0f} s")
                await hand.trouble(index, Trouble(error.reason, error.facts, round(delay)))
            except TellUser as error:
                return _result(StepState.FAILED, error)
            except GiveUp as error:
                logger.warning("run %s: %s", run.id, error)
                return _result(StepState.BROKEN, error)
            except Exception:
                trace = secrets.token_hex(4)
                logger.exception("run %s met a bug, told to people as %s", run.id, trace)
                return StepResult(StepState.BROKEN, Reason.INTERNAL, {"id": trace})
            await self.sleep(delay)
            await hand.trouble(index, None)
        raise AssertionError("retry_delay never gave up")

    async def _timed(self, run: Run, index: int, work: Work) -> StepResult:
        step = run.plan.steps[index]
        own = carrying.allowance(step)
        left = lifecycle.time_left(run, self.longest, self.clock.now())
        if left <= 0:
            if work.resumed:
                await carrying.abandon(step, work)
            raise self._overdue()
        try:
            async with self.timeout(min(own, left)):
                return await carrying.carry_out(step, work)
        except TimeoutError as error:
            await carrying.timed_out(step, work)
            if left < own:
                raise self._overdue(work.log.tail()) from error
            facts = {"step": step.name, "seconds": str(own)}
            raise TellUser(Reason.TIMED_OUT, facts, log=work.log.tail()) from error

    def _overdue(self, log: str = "") -> TellUser:
        return TellUser(Reason.RUN_TIMED_OUT, {"longest": duration.compact(self.longest)}, log=log)


def _result(state: StepState, error: ChatOpsError) -> StepResult:
    return StepResult(state, error.reason, error.facts, log_tail=error.log)
