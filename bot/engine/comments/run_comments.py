"""Publishes what the store says of runs: one comment each, and a new one when a run fails or is ready.

Each update reads the run again, so it does not matter which replica publishes it, or how often. The store
counts the changes of every run and those that were published; that is how updates that a replica left undone
are found.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from bot.core import markers
from bot.core.results import showing
from bot.core.runs import scheduling
from bot.core.runs.scheduling import RunLimits
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.records import Records
from bot.model.addresses import Addresses
from bot.model.environment import Environment
from bot.model.errors import GiveUp
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StepRecord, StepState
from bot.model.views import RunView

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunComments:
    """Keeps the comments of runs up to date."""

    records: Records
    publisher: CommentPublisher
    addresses: Addresses
    limits: Callable[[], RunLimits]
    """Returns the limits that hold now."""
    announce: frozenset[str] = frozenset({"failed", "ready"})
    brief: bool = False
    """Whether comments only link to logs."""

    def update(self, run_id: int) -> None:
        """Publish the comments of a run in the background."""
        self.publisher.submit(f"run {run_id}", partial(self.publish, run_id))

    async def fold(self, by: Run) -> None:
        """Fold the comment of the last run before this one, and of those in between that never began."""
        before: list[int] = []
        for run in await self.records.runs.runs(repo=by.repo, number=by.number, before=by.id):
            before.append(run.id)
            if run.started_at is not None:
                break  # it folded the older ones when it began
        await self.records.runs.touch(before, self.publisher.lease())
        self._update_all(before)

    async def queue_positions(self) -> dict[int, QueuePosition]:
        """Return the position of each waiting run, by id."""
        return scheduling.queue_positions(await self.records.runs.queue(), self.limits())

    async def catch_up(self) -> None:
        """Publish the comments that are behind their runs, whichever replica left them so."""
        self._update_all(await self.records.runs.unshown())

    async def publish(self, run_id: int) -> None:
        """Claim the run's comment, read the run, render it, write the comment, and record what it shows.

        Raises what the forge and the store raise, and LeaseLost.
        """
        lease, found = self.publisher.lease(), await self.records.runs.at_revision(run_id)
        if found is None:
            return
        run, revision = found
        try:
            async with self.publisher.claim(
                run.repo, run.number, markers.of_run(run), run.created_at
            ) as comment:
                run, revision = await self.records.runs.at_revision(run_id) or found
                await self.publisher.write(comment, await self._view(run), run.language)
            await self._announce(run)
        except GiveUp as error:
            if error.reason is Reason.GITEE_DENIED:
                raise  # the operator can replace the token, so it is tried again
            logger.error("the comments of run %s are given up: %s", run_id, error)  # noqa: TRY400 - expected
        await self.records.runs.shown(run_id, revision, lease)

    def _update_all(self, ids: Iterable[int]) -> None:
        for run_id in ids:
            self.update(run_id)

    async def _view(self, run: Run) -> RunView:
        return showing.run_view(
            self._quoted(run),
            self.addresses,
            author=run.author,
            position=await self._position(run),
            folded_by=await self.records.runs.follower(run) if run.state.final else None,
            environments=await self._deployed_by(run),
        )

    async def _deployed_by(self, run: Run) -> tuple[Environment, ...]:
        if not _deployed(run):
            return ()
        found = await self.records.pulls.environments(run.repo, run.number)
        return tuple(map(showing.without_output, found)) if self.brief else found

    def _quoted(self, run: Run) -> Run:
        return showing.without_logs(run) if self.brief else run

    async def _position(self, run: Run) -> QueuePosition | None:
        if run.state is not RunState.QUEUED or run.started_at is not None:
            return None
        return (await self.queue_positions()).get(run.id)

    async def _announce(self, run: Run) -> None:
        if not run.state.final or not self.announce:
            return
        earlier = await self.records.runs.runs(repo=run.repo, number=run.number, before=run.id)
        note = showing.announcement(
            self._quoted(run),
            self.addresses,
            recipient=run.origin.actor or run.author,
            first_preview=not any(map(_deployed, earlier)),
        )
        if note is not None and note.kind in self.announce:
            marker = markers.of_run(run, note.kind)
            update = CommentUpdate(run.repo, run.number, marker, note, run.language, run.created_at)
            await self.publisher.publish(update)


def _deployed(run: Run) -> bool:
    return any(_passed_deploy(record) for record in run.steps)


def _passed_deploy(record: StepRecord) -> bool:
    return record.name == "deploy" and record.state is StepState.PASSED
