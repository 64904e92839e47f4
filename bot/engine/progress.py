"""What happens around the steps of a run: state kept, comment renewed, environments and images remembered."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.core import naming, showing
from bot.core.addresses import Addresses
from bot.core.expiry import until
from bot.engine.board import Board, Posting
from bot.engine.records import Records
from bot.model.environment import Environment, EnvironmentKey, EnvironmentState
from bot.model.plan import Deploy, Teardown
from bot.model.run import Image, Run, StepRecord, StepResult, StepState
from bot.ports import Clock
from bot.steps.work import Doors, Work


@dataclass(frozen=True, slots=True)
class Progress:
    """Keeps and shows the state of runs."""

    records: Records
    board: Board
    doors: Doors
    addresses: Addresses
    clock: Clock
    longest: timedelta
    """Longest life of an environment without a new deploy."""
    announce: frozenset[str] = frozenset({"failed", "ready"})
    brief: bool = False
    """Whether comments only link to logs."""
    _choosing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from looking whether a host name is free until it is taken."""

    async def keep(self, run: Run) -> Run:
        """Save a run, show it, and return it with what others have set meanwhile."""
        saved = await self.records.runs.save(run)
        self.show(saved)
        return saved

    def show(self, run: Run, *, position: int = 0, folded_by: int | None = None) -> None:
        """Renew the comment of a run."""
        shown = showing.without_logs(run) if self.brief else run
        view = showing.run_view(
            shown, self.addresses, author=run.author, position=position, folded_by=folded_by
        )
        marker = naming.comment_marker("run", str(run.id))
        self.board.show(Posting(run.repo, run.number, marker, view, run.language))

    async def work(self, run: Run, index: int) -> Work:
        """Gather the surroundings of a step."""
        found = await self.records.pulls.environments(run.repo, run.number)
        images = await self.records.pulls.images(run.repo, run.number)
        hosts = {environment.key.name: environment.host for environment in found}
        return Work(
            run=run,
            log=self.doors.reports.log(run.id, run.plan.steps[index].name),
            doors=self.doors,
            image=_fresh_image(run.steps) or images.get(run.sha),
            hosts=hosts,
            urls={name: self.addresses.preview(host) for name, host in hosts.items()},
            ports={
                environment.key.name: environment.endpoint.port
                for environment in found
                if environment.endpoint and environment.state is EnvironmentState.READY
            },
            environments=tuple(hosts),
        )

    async def before(self, run: Run, index: int) -> None:
        """Make the address of an environment known before it answers, so that visitors see it start."""
        step = run.plan.steps[index]
        if isinstance(step, Deploy):
            async with self._choosing:
                await self.records.pulls.put_environment(await self._starting(run, step))

    async def after(self, run: Run, index: int, result: StepResult) -> None:
        """Remember what a step has made or removed."""
        step = run.plan.steps[index]
        if result.image is not None and result.state is StepState.PASSED:
            await self.records.pulls.put_image(run.repo, run.number, result.image)
        if isinstance(step, Deploy):
            await self._mark(run, (step.environment,), result)
        if isinstance(step, Teardown) and result.state is StepState.PASSED:
            await self._removed(run, step)

    async def end(self, run: Run) -> Run:
        """Save the last state, and call a person where one must look."""
        await self._started_no_longer(run)
        kept = await self.keep(run)
        earlier = await self.records.runs.runs(repo=run.repo, number=run.number, before=run.id)
        note = showing.announcement(
            kept, self.addresses, recipient=_recipient(kept), first_preview=not any(map(_deployed, earlier))
        )
        if note is not None and note.kind in self.announce:
            marker = naming.comment_marker(note.kind, str(run.id))
            self.board.show(Posting(run.repo, run.number, marker, note, run.language))
        return kept

    async def _starting(self, run: Run, step: Deploy) -> Environment:
        now = self.clock.now()
        key = EnvironmentKey(run.repo, run.number, step.environment)
        return Environment(
            key=key,
            host=await self._host(key),
            sha=step.sha,
            state=EnvironmentState.STARTING,
            run=run.id,
            deployed_at=now,
            expires_at=until(now, step.ttl, self.longest),
        )

    async def _host(self, key: EnvironmentKey) -> str:
        """Return the plain label unless another environment has it already."""
        plain = naming.host_label(key)
        owner = await self.records.pulls.host_owner(plain)
        return plain if owner in {None, key} else naming.host_label(key, qualified=True)

    async def _mark(self, run: Run, names: Iterable[str], result: StepResult) -> None:
        for environment in await self.records.pulls.environments(run.repo, run.number):
            if environment.key.name in names:
                ready = result.state is StepState.PASSED
                state = EnvironmentState.READY if ready else EnvironmentState.FAILED
                await self.records.pulls.put_environment(
                    replace(environment, state=state, endpoint=result.endpoint)
                )

    async def _started_no_longer(self, run: Run) -> None:
        """Give up what this run was starting: a run that is stopped while no bot runs has no `after`."""
        for environment in await self.records.pulls.environments(run.repo, run.number):
            if environment.run == run.id and environment.state is EnvironmentState.STARTING:
                failed = replace(environment, state=EnvironmentState.FAILED)
                await self.records.pulls.put_environment(failed)

    async def _removed(self, run: Run, step: Teardown) -> None:
        for environment in await self.records.pulls.environments(run.repo, run.number):
            if step.environment in {None, environment.key.name}:
                await self.records.pulls.put_environment(
                    replace(environment, state=EnvironmentState.REMOVED, endpoint=None)
                )
        if step.everything:
            await self.records.pulls.forget_images(run.repo, run.number)

    async def fold(self, by: Run) -> None:
        """Fold the comment of the run before this one to a line, and those of runs that never began."""
        for run in await self.records.runs.runs(repo=by.repo, number=by.number, before=by.id):
            if run.state.final:
                self.show(run, folded_by=by.id)
            if run.started_at is not None:
                return  # what came before it was folded when it began


def _fresh_image(records: Iterable[StepRecord]) -> Image | None:
    images = [record.result.image for record in records if record.result and record.result.image]
    return images[-1] if images else None


def _deployed(run: Run) -> bool:
    return any(record.name == "deploy" and record.state is StepState.PASSED for record in run.steps)


def _recipient(run: Run) -> str:
    return run.origin.actor or run.author
