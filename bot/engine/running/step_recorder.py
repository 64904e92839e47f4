"""Prepares the context of each step, and stores what the step created or removed."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import naming
from bot.core.environments.expiry import until
from bot.engine.records import IdentityRecords, PullRecords, PullWriter
from bot.engine.running.active_run import ActiveRun
from bot.model.addresses import Addresses
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.errors import RetryLater
from bot.model.plan import Deploy, Teardown
from bot.model.run import Image, Run, StepRecord, StepResult, StepState
from bot.ports import Clock
from bot.steps.context import StepAdapters, StepContext, StepEnvironment

logger = logging.getLogger(__name__)

LOG_FLUSH_SECONDS = 2.0
"""Seconds in which the last output of an interrupted step must be flushed."""


@dataclass(frozen=True, slots=True)
class StepRecorder:
    """Stores environments and images that steps create and remove."""

    pulls: PullRecords
    adapters: StepAdapters
    addresses: Addresses
    clock: Clock
    max_lifetime: timedelta
    """Longest lifetime of an environment without a new deploy."""
    identities: IdentityRecords
    sleeps: bool = False
    """Whether environments on platforms that can suspend them are scaled to zero when idle."""

    async def first_start(self, active: ActiveRun) -> None:
        """Remove the logs and reports of a run with this number that a lost store had."""
        await self.adapters.reports.clear(active.run.id, active.lease)

    async def context(self, active: ActiveRun, index: int) -> StepContext:
        """Return the context of a step."""
        run = active.run
        found = await self.pulls.environments(run.repo, run.number)
        images = await self.pulls.images(run.repo, run.number)
        return StepContext(
            run=run,
            log=self.adapters.reports.log(run.id, run.plan.steps[index].name),
            adapters=self.adapters,
            image=_fresh_image(run.steps) or images.get(run.sha),
            environments={environment.key.name: self._seen(environment) for environment in found},
            index=index,
            stores=[one.id for one in await self.identities.all()],
            now=self.clock.now,
            resumed=run.steps[index].attempt > 0,
            handle=run.steps[index].handle,
            report_progress=partial(active.report_progress, index),
            confirm=active.confirm,
        )

    def _seen(self, environment: Environment) -> StepEnvironment:
        ready = environment.state is EnvironmentState.READY
        return StepEnvironment(
            host=self.addresses.host(environment.host),
            url=self.addresses.environment(environment),
            expires_at=environment.expires_at,
            port=environment.endpoint.port if ready and environment.endpoint else None,
            reported_url=environment.url if ready else "",
            adopted=environment.adopted,
        )

    async def before(self, active: ActiveRun, index: int) -> None:
        """Store a new environment before it is deployed, so that visitors see that it is starting."""
        step = active.run.plan.steps[index]
        if isinstance(step, Deploy):
            await self._starting(active, step)

    async def after(self, active: ActiveRun, index: int, result: StepResult) -> None:
        """Store what a step has created or removed. Raises LeaseLost."""
        run, step = active.run, active.run.plan.steps[index]
        # The log must be complete before people see that its step is over.
        await self.adapters.reports.flush(run.id, step.name)
        if result.image is not None and result.state is StepState.PASSED:
            await self._writer(active).put_image(run.repo, run.number, result.image)
        if isinstance(step, Deploy):
            await self._mark(active, step.environment, result)
        if isinstance(step, Teardown) and result.state is StepState.PASSED:
            await self._removed(active, step)

    async def flush_log(self, run: Run, index: int) -> None:
        """Flush the log of an interrupted step, if that succeeds in time."""
        try:
            async with asyncio.timeout(LOG_FLUSH_SECONDS):
                await self.adapters.reports.flush(run.id, run.plan.steps[index].name)
        except (RetryLater, TimeoutError) as error:
            logger.warning("run %s: the last lines of the step's log may be lost: %s", run.id, error)

    def _writer(self, active: ActiveRun) -> PullWriter:
        return self.pulls.writer(active.lease, active.run.id)

    async def _starting(self, active: ActiveRun, step: Deploy) -> None:
        run, now = active.run, self.clock.now()
        key = EnvironmentKey(run.repo, run.number, step.environment)
        known = {one.key: one for one in await self.pulls.environments(run.repo, run.number)}
        plain, qualified = naming.host_label(key), naming.host_label(key, qualified=True)
        starting = Environment(
            key=key,
            host=plain,
            sha=step.sha,
            state=EnvironmentState.STARTING,
            run=run.id,
            deployed_at=now,
            expires_at=until(now, step.ttl, self.max_lifetime),
            teardown=step.teardown,
            runner=step.config.runner,
            suspendable_by=step.config.runner if self._may_sleep(step) else None,
            # Its parts are there until the deployment has replaced them.
            adopted=known[key].adopted if key in known else None,
        )
        await self._writer(active).reserve_hostname(starting, (plain, qualified))

    def _may_sleep(self, step: Deploy) -> bool:
        """Return whether it can be scaled to zero: what speaks no HTTP gets no visit that would wake it."""
        suspendable = self.sleeps and step.config.runner in self.adapters.suspendable
        return suspendable and step.config.health.protocol == "http"

    async def _mark(self, active: ActiveRun, name: str, result: StepResult) -> None:
        passed = result.state is StepState.PASSED
        state = EnvironmentState.READY if passed else EnvironmentState.FAILED

        def marked(environment: Environment) -> Environment:
            if environment.key.name != name:
                return environment
            url, adopted = _reported_url(environment, result), None if passed else environment.adopted
            return replace(environment, state=state, endpoint=result.endpoint, url=url, adopted=adopted)

        await self._writer(active).change(active.run.repo, active.run.number, marked)

    async def run_ended(self, active: ActiveRun) -> None:
        """Mark environments that this run was starting as failed.

        `after` does so too, but is not called if the run is stopped while no bot runs.
        """
        run = active.run

        def failed(environment: Environment) -> Environment:
            starting = environment.run == run.id and environment.state is EnvironmentState.STARTING
            return replace(environment, state=EnvironmentState.FAILED) if starting else environment

        await self._writer(active).change(run.repo, run.number, failed)

    async def _removed(self, active: ActiveRun, step: Teardown) -> None:
        run, writer = active.run, self._writer(active)

        def removed(environment: Environment) -> Environment:
            if step.environment not in {None, environment.key.name}:
                return environment
            return replace(environment, state=EnvironmentState.REMOVED, endpoint=None)

        await writer.change(run.repo, run.number, removed)
        if step.everything:
            await writer.forget_images(run.repo, run.number)


def _reported_url(environment: Environment, result: StepResult) -> str:
    """Return the URL that the deployer reported; empty if the environment has the preview URL."""
    return "" if result.endpoint is not None else result.url or environment.url


def _fresh_image(records: Iterable[StepRecord]) -> Image | None:
    images = [record.result.image for record in records if record.result and record.result.image]
    return images[-1] if images else None
