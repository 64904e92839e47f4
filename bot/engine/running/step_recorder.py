"""Prepares the context of each step, and stores what the step created or removed."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from bot.core import naming
from bot.core.environments import health, public, takeover
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
            built=[one for image in images.values() for one in image.all],
            environments={one.key.name: self._seen(one, run, index) for one in found},
            index=index,
            stores=[one.id for one in await self.identities.all()],
            now=self.clock.now,
            resumed=run.steps[index].attempt > 0,
            handle=run.steps[index].handle,
            report_progress=partial(active.report_progress, index),
            confirm=active.confirm,
            replacing=partial(self._replacing, active, index),
        )

    def _seen(self, environment: Environment, run: Run, index: int) -> StepEnvironment:
        ready, step = environment.state is EnvironmentState.READY, run.plan.steps[index]
        mine = step if isinstance(step, Deploy) and step.environment == environment.key.name else None
        if mine is not None and self._stays(environment, mine):
            new = self._deployed(run, index, mine)
            environment = replace(environment, expires_at=new.expires_at, public=new.public)
        return StepEnvironment(
            host=self.addresses.host(environment.host),
            url=self.addresses.environment(environment),
            expires_at=environment.expires_at,
            port=environment.endpoint.port if ready and environment.endpoint else None,
            reported_url=environment.url if ready else "",
            adopted=environment.adopted,
            present=takeover.present(environment),
            endpoint=environment.endpoint,
            public=public.urls(self.addresses, environment.host, environment.public),
        )

    async def before(self, active: ActiveRun, index: int) -> None:
        """Store a new environment before it is deployed, so that visitors see that it is starting.

        One that answers until the new one does is stored as it is.
        """
        run, step = active.run, active.run.plan.steps[index]
        if isinstance(step, Deploy) and not self._stays(await self._known(run, step), step):
            await self._replacing(active, index)

    async def after(self, active: ActiveRun, index: int, result: StepResult) -> StepResult:
        """Store what a step has created or removed; return its result with what still answers.

        Raises LeaseLost.
        """
        run, step = active.run, active.run.plan.steps[index]
        # The log must be complete before people see that its step is over.
        await self.adapters.reports.flush(run.id, step.name)
        if result.image is not None and result.state is StepState.PASSED:
            await self._writer(active).put_image(run.repo, run.number, result.image)
        if isinstance(step, Deploy):
            await self._mark(active, index, step, result)
            known = None if result.state is StepState.PASSED else await self._known(run, step)
            serving = known.sha if known and takeover.present(known) else ""
            return replace(result, environment=step.environment, serving_sha=serving)
        if isinstance(step, Teardown) and result.state is StepState.PASSED:
            await self._removed(active, step)
        elif isinstance(step, Teardown):
            await self._half_removed(active, step)
        return result

    async def flush_log(self, run: Run, index: int) -> None:
        """Flush the log of an interrupted step, if that succeeds in time."""
        try:
            async with asyncio.timeout(LOG_FLUSH_SECONDS):
                await self.adapters.reports.flush(run.id, run.plan.steps[index].name)
        except (RetryLater, TimeoutError) as error:
            logger.warning("run %s: the last lines of the step's log may be lost: %s", run.id, error)

    def _writer(self, active: ActiveRun) -> PullWriter:
        return self.pulls.writer(active.lease, active.run.id)

    async def _known(self, run: Run, step: Deploy) -> Environment | None:
        """Return the record of the environment that a step deploys."""
        found = await self.pulls.environments(run.repo, run.number)
        return next((one for one in found if one.key.name == step.environment), None)

    def _stays(self, known: Environment | None, step: Deploy) -> bool:
        return takeover.stays(known, step, self.adapters.side_by_side)

    async def _replacing(self, active: ActiveRun, index: int) -> None:
        """Store that an environment is starting: nothing answers until its deployment has ended."""
        run, step = active.run, active.run.plan.steps[index]
        if not isinstance(step, Deploy):
            return
        starting, known = self._deployed(run, index, step), await self._known(run, step)
        # Its parts are there until the deployment has replaced them.
        starting = replace(starting, adopted=known.adopted if known else None)
        labels = starting.host, naming.host_label(starting.key, qualified=True)
        await self._writer(active).reserve_hostname(starting, labels)

    def _deployed(self, run: Run, index: int, step: Deploy) -> Environment:
        """Return the record of what a step deploys, while it is starting."""
        key = EnvironmentKey(run.repo, run.number, step.environment)
        now = run.steps[index].started_at or self.clock.now()
        return Environment(
            key=key,
            host=naming.host_label(key),
            sha=step.sha,
            state=EnvironmentState.STARTING,
            run=run.id,
            deployed_at=now,
            expires_at=until(now, step.ttl, self.max_lifetime),
            teardown=step.teardown,
            runner=step.config.runner,
            suspendable_by=step.config.runner if self._may_sleep(step) else None,
            public=public.declared(step.services),
        )

    def _may_sleep(self, step: Deploy) -> bool:
        """Return whether it can be scaled to zero.

        What speaks no HTTP gets no visit that would wake it. What a setup has prepared would be lost, and
        waking does not prepare it again.
        """
        suspendable = self.sleeps and step.config.runner in self.adapters.suspendable
        return suspendable and step.config.health.protocol == "http" and not step.config.setup

    async def _mark(self, active: ActiveRun, index: int, step: Deploy, result: StepResult) -> None:
        """Store that a deployment has taken over or failed; what answers beside a failed one stays."""
        passed, run = result.state is StepState.PASSED, active.run

        def marked(known: Environment) -> Environment:
            starting, url = known.state is EnvironmentState.STARTING, _reported_url(known, result)
            if known.key.name != step.environment or not (passed or starting):
                return known
            if not passed:
                return replace(known, state=EnvironmentState.FAILED, endpoint=None, url=url)
            new = known if known.run == run.id else self._successor(known, run, index, step)
            merge = result.image.merge.sha if result.image and result.image.merge else ""
            new = replace(new, merge=merge, adopted=None)
            return replace(new, state=EnvironmentState.READY, endpoint=result.endpoint, url=url)

        await self._writer(active).change(run.repo, run.number, marked)

    def _successor(self, known: Environment, run: Run, index: int, step: Deploy) -> Environment:
        """Return the record of a deployment that takes over; an extension in the meantime counts."""
        new, since = self._deployed(run, index, step), run.steps[index].started_at
        if known.extended_at is None or since is None or known.extended_at < since:
            return replace(new, host=known.host)
        latest = max(new.expires_at, known.expires_at)
        return replace(new, host=known.host, expires_at=latest, extended_at=known.extended_at)

    async def run_ended(self, active: ActiveRun) -> None:
        """Mark environments that this run was starting, or had begun to remove, as failed.

        `after` does so too, but is not called if the run is stopped while no bot runs.
        """
        run = active.run

        def failed(environment: Environment) -> Environment:
            starting = environment.run == run.id and environment.state is EnvironmentState.STARTING
            return replace(environment, state=EnvironmentState.FAILED) if starting else environment

        await self._writer(active).change(run.repo, run.number, failed)
        # A run that never started has no records.
        for step, record in zip(run.plan.steps, run.steps, strict=False):
            if isinstance(step, Teardown) and record.state is StepState.WAITING and record.attempt > 0:
                await self._half_removed(active, step)

    async def _removed(self, active: ActiveRun, step: Teardown) -> None:
        run, writer = active.run, self._writer(active)

        def removed(environment: Environment) -> Environment:
            if not step.removes(environment.key.name):
                return environment
            return replace(environment, state=EnvironmentState.REMOVED, endpoint=None)

        await writer.change(run.repo, run.number, removed)
        if step.everything:
            await writer.forget_images(run.repo, run.number)

    async def _half_removed(self, active: ActiveRun, step: Teardown) -> None:
        """Store that a teardown that failed or was stopped may have left nothing whole."""
        run, now = active.run, self.clock.now()

        def half_removed(environment: Environment) -> Environment:
            begun = step.removes(environment.key.name)
            return health.half_removed(environment, now) if begun else environment

        await self._writer(active).change(run.repo, run.number, half_removed)


def _reported_url(environment: Environment, result: StepResult) -> str:
    """Return the URL that the deployer reported; empty if the environment has the preview URL."""
    return "" if result.endpoint is not None else result.url or environment.url


def _fresh_image(records: Iterable[StepRecord]) -> Image | None:
    images = [record.result.image for record in records if record.result and record.result.image]
    return images[-1] if images else None
