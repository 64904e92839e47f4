"""The comments of runs follow the store: what they say is found out anew whenever one is written.

So it does not matter which replica writes, how often, or what it knew before; and what a replica that died
left unsaid is seen in the store, where each run's changes are counted, and so are those that were shown.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from bot.core import naming
from bot.core.results import showing
from bot.core.runs import scheduling
from bot.core.runs.scheduling import Limits
from bot.engine.comments.publisher import CommentPublisher, CommentUpdate
from bot.engine.records import Records
from bot.model.addresses import Addresses
from bot.model.errors import GiveUp
from bot.model.queue import QueuePosition
from bot.model.reason import Reason
from bot.model.run import Run, RunState, StepRecord, StepState
from bot.model.views import RunView

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunComments:
    """Shows runs: a living comment each, and a short new one where a person must look."""

    records: Records
    publisher: CommentPublisher
    addresses: Addresses
    limits: Limits
    announce: frozenset[str] = frozenset({"failed", "ready"})
    brief: bool = False
    """Whether comments only link to logs."""

    def show(self, run_id: int) -> None:
        """Bring the comments of a run up to the store as soon as possible."""
        self.publisher.follow(f"run {run_id}", lambda: self._bring_up(run_id))

    async def fold(self, by: Run) -> None:
        """Renew, and thereby fold, the comments of the run before this one and of those that never began."""
        before: list[int] = []
        for run in await self.records.runs.runs(repo=by.repo, number=by.number, before=by.id):
            before.append(run.id)
            if run.started_at is not None:
                break  # what came before it was folded when it began
        await self.records.runs.touch(before)
        self._show_all(before)

    async def queue_positions(self) -> dict[int, QueuePosition]:
        """Return where each waiting run stands."""
        return scheduling.queue_positions(await self.records.runs.queue(), self.limits)

    async def catch_up(self) -> None:
        """Show what was left unsaid, whoever left it."""
        self._show_all(await self.records.runs.unshown())

    def _show_all(self, ids: Iterable[int]) -> None:
        for run_id in ids:
            self.show(run_id)

    async def _bring_up(self, run_id: int) -> None:
        found = await self.records.runs.at_revision(run_id)
        if found is None:
            return
        run, revision = found

        async def view() -> RunView:
            nonlocal run, revision
            run, revision = await self.records.runs.at_revision(run_id) or (run, revision)
            return await self._view(run)

        marker = naming.comment_marker("run", str(run_id))
        try:
            await self.publisher.post(CommentUpdate(run.repo, run.number, marker, view, run.language))
            await self._announce(run)
        except GiveUp as error:
            if error.reason is Reason.GITEE_DENIED:
                raise  # a token can be mended
            logger.error("the comments of run %s are given up: %s", run_id, error)  # noqa: TRY400 - expected
        await self.records.runs.shown(run_id, revision)

    async def _view(self, run: Run) -> RunView:
        return showing.run_view(
            showing.without_logs(run) if self.brief else run,
            self.addresses,
            author=run.author,
            position=await self._place(run),
            folded_by=await self.records.runs.follower(run) if run.state.final else None,
        )

    async def _place(self, run: Run) -> QueuePosition | None:
        if run.state is not RunState.QUEUED or run.started_at is not None:
            return None
        return (await self.queue_positions()).get(run.id)

    async def _announce(self, run: Run) -> None:
        if not run.state.final or not self.announce:
            return
        earlier = await self.records.runs.runs(repo=run.repo, number=run.number, before=run.id)
        note = showing.announcement(
            run,
            self.addresses,
            recipient=run.origin.actor or run.author,
            first_preview=not any(map(_deployed, earlier)),
        )
        if note is not None and note.kind in self.announce:
            marker = naming.comment_marker(note.kind, str(run.id))
            await self.publisher.post(CommentUpdate(run.repo, run.number, marker, note, run.language))


def _deployed(run: Run) -> bool:
    return any(_passed_deploy(record) for record in run.steps)


def _passed_deploy(record: StepRecord) -> bool:
    return record.name == "deploy" and record.state is StepState.PASSED
