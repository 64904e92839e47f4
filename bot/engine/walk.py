"""One run from its first step to its last: each is carried out, retried or stopped, and its result kept."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core import lifecycle
from bot.engine.progress import Progress
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.plan import Build, Deploy, Step, Teardown, Test
from bot.model.reason import Reason
from bot.model.run import Run, StepResult, StepState
from bot.ports import Clock
from bot.steps import build, deploy, teardown, test
from bot.steps.work import Work

logger = logging.getLogger(__name__)

STEP_MARGIN = 120
"""Seconds that a step may take beyond the timeouts of its parts before it is stopped as a whole."""


@dataclass(frozen=True, slots=True)
class Walker:
    """Carries out runs; `stop` events interrupt the step that is under way."""

    progress: Progress
    clock: Clock
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def walk(self, run: Run, stop: asyncio.Event) -> Run:
        """Take a run from where it stands to its end; return it as it ended."""
        run = await self.progress.keep(lifecycle.begin(run, self.clock.now()))
        while (index := lifecycle.next_step(run)) is not None and run.stop is None:
            run = await self.progress.keep(lifecycle.step_started(run, index, self.clock.now()))
            await self.progress.before(run, index)
            result = await self._interruptible(run, index, stop)
            await self.progress.after(run, index, result)
            run = await self.progress.keep(lifecycle.step_finished(run, index, result, self.clock.now()))
        if not run.state.final:
            run = lifecycle.stopped(run, self.clock.now())
        return await self.progress.end(run)

    async def _interruptible(self, run: Run, index: int, stop: asyncio.Event) -> StepResult:
        """Carry a step out until it ends or `stop` is set; its clean-up is always waited for."""
        step = asyncio.create_task(self._persistent(run, index))
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

    async def _persistent(self, run: Run, index: int) -> StepResult:
        """Carry a step out, again where infrastructure was at fault."""
        work = await self.progress.work(run, index)
        for attempt in range(1, 1000):
            try:
                return await self._timed(run.plan.steps[index], work)
            except RetryLater as error:
                delay = lifecycle.retry_delay(attempt, error.delay)
                if delay is None:
                    return _result(StepState.BROKEN, error)
                work.log.note(f"{error.reason}: {error.facts.get('message', '')} — again in {delay:.0f} s")
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
        raise AssertionError("retry_delay never gave up")

    async def _timed(self, step: Step, work: Work) -> StepResult:
        seconds = _allowance(step)
        try:
            async with asyncio.timeout(seconds):
                return await _carry_out(step, work)
        except TimeoutError as error:
            facts = {"step": step.name, "seconds": str(seconds)}
            raise TellUser(Reason.TIMED_OUT, facts, log=work.log.tail()) from error


async def _carry_out(step: Step, work: Work) -> StepResult:
    match step:
        case Build():
            return await build.run(step, work)
        case Deploy():
            return await deploy.run(step, work)
        case Test():
            return await test.run(step, work)
        case Teardown():
            return await teardown.run(step, work)


def _allowance(step: Step) -> int:
    match step:
        case Build(config=config):
            return config.timeout
        case Deploy(config=config):
            return config.health.timeout * (1 + len(step.services)) + STEP_MARGIN
        case Test(config=config, build=building):
            return config.timeout * len(step.suites) + building.timeout + STEP_MARGIN
        case Teardown():
            return 300


def _result(state: StepState, error: ChatOpsError) -> StepResult:
    return StepResult(state, error.reason, error.facts, log_tail=error.log)
