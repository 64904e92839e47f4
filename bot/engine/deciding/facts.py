"""Reads the facts of a decision again from their sources: a delivery only says where to look."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from bot.core.admission.permissions import Policy
from bot.core.deciding import skipping
from bot.core.language import catalog
from bot.core.language.command import AnyCommand
from bot.engine.deciding.config_reader import ConfigReader
from bot.engine.deciding.trust_facts import TrustReader
from bot.engine.records import Records
from bot.model.approval import Revocation
from bot.model.errors import ChatOpsError
from bot.model.forge import Comment, Permission, PullRequest
from bot.model.outcome import Refuse
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.run import Note, Run
from bot.model.service_log import ServiceLog
from bot.model.snapshot import CommandSettings, Fact, LogTail, Snapshot
from bot.model.text import Language
from bot.model.views import ConfigBroken
from bot.ports import Clock, Forge, LogReader
from bot.steps.service_logs import ServiceLogs, deployed

RUNNER_SECONDS = 10
"""How long a runner may take to give the output of services, so that it keeps no step's log back."""
LOG_BYTES = 16 << 10
"""How much of the end of a log is read for a comment."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot, and the facts that only the checks before a command use."""

    snapshot: Snapshot
    permission: Permission
    broken: ConfigBroken | None
    """Why the configuration cannot be used, if so."""
    configured: bool
    """Whether there is a configuration at all."""
    language: Language
    revoked: tuple[Revocation, ...] = ()
    """Approvals that turned out not to count any more."""
    notes: tuple[Note, ...] = ()
    """What to say about the configuration with a run."""
    hints: tuple[Note, ...] = ()
    """What to say about it once, when the pull request is opened."""
    reviewed: bool = True
    """Whether the configuration is that of the base branch, and will change when this is merged."""


@dataclass(frozen=True, slots=True)
class FactGatherer:
    """Reads facts."""

    forge: Forge
    records: Records
    trust: TrustReader
    config: ConfigReader
    logs: LogReader
    services: ServiceLogs
    commands: tuple[AnyCommand, ...]
    policy: Policy
    settings: CommandSettings
    clock: Clock
    language: Language
    """The language of comments where the repository does not choose one."""

    async def gather(
        self,
        pull: PullRequest,
        actor: str,
        needs: Iterable[Fact],
        *,
        comment: Comment | None = None,
        check: Collection[int] = (),
    ) -> Facts:
        """Read what every decision needs about a pull request and a person, and the facts in `needs`.

        `comment` is the one that is decided, if it is one. The approvals given in the comments `check` are
        checked.
        """
        permission, trust, config, active = await asyncio.gather(
            self.forge.permission(pull.repo, actor),
            self.trust.read(pull, check=check),
            self.config.read(pull),
            self.records.runs.unfinished(pull.repo, pull.number),
        )
        pipeline = config.pipeline
        usable = pipeline if isinstance(pipeline, Pipeline) else Pipeline()
        snapshot = Snapshot(
            pull=pull,
            pipeline=usable,
            actor=actor,
            now=self.clock.now(),
            trusted=trust.trusted,
            active=active,
            settings=self.settings,
            writes=permission >= Permission.WRITE,
            writers_only=trust.distrust is None,
            approvals=trust.approvals,
        )
        if trust.distrust is not None:
            snapshot = replace(snapshot, distrust=trust.distrust)
        # In one order, so that the same history can be played again.
        for fact in sorted({*needs, *((Fact.ENVIRONMENTS,) if trust.revoked else ())}):
            snapshot = await self._with(snapshot, fact, comment)
        return Facts(
            snapshot=snapshot,
            permission=permission,
            broken=pipeline if isinstance(pipeline, ConfigBroken) else None,
            configured=pipeline is not None,
            language=usable.language or self.language,
            revoked=trust.revoked,
            notes=config.notes,
            hints=config.hints,
            reviewed=config.reviewed,
        )

    async def _with(self, snapshot: Snapshot, fact: Fact, comment: Comment | None) -> Snapshot:
        """Return the snapshot with one more fact."""
        repo, number = snapshot.pull.repo, snapshot.pull.number
        match fact:
            case Fact.IMAGES:
                return replace(snapshot, images=await self.records.pulls.images(repo, number))
            case Fact.ENVIRONMENTS:
                found = await self.records.pulls.environments(repo, number)
                return replace(snapshot, environments={one.key.name: one for one in found})
            case Fact.RUNS:
                runs = await self.records.runs.runs(repo=repo, number=number)
                return replace(snapshot, runs={run.id: run for run in runs})
            case Fact.LOGS | Fact.SERVICE_LOGS:
                return await self._with_output(snapshot, fact)
            case Fact.ANNOUNCED | Fact.SKIPPED:
                return await self._with_commit(snapshot, fact, comment)
            case Fact.OWNERS | Fact.COMMANDS:
                return await self._with_rights(snapshot, fact)

    async def _with_commit(self, snapshot: Snapshot, fact: Fact, comment: Comment | None) -> Snapshot:
        """Return the snapshot with a fact about the latest commit."""
        pull = snapshot.pull
        if fact is Fact.ANNOUNCED:
            announced = comment is not None and await self.trust.announced(pull, comment)
            return replace(snapshot, announced=announced)
        known = await self.records.observed.of(pull.repo, pull.number)
        return replace(snapshot, skipped=skipping.still_skipped(known, pull))

    async def _with_rights(self, snapshot: Snapshot, fact: Fact) -> Snapshot:
        """Return the snapshot with a fact about who may do what."""
        if fact is Fact.OWNERS:
            return replace(snapshot, owners=await self.config.owners(snapshot.pull))
        offered = catalog.offered(self.commands, self.policy, snapshot.pipeline, snapshot.pull.repo)
        return replace(snapshot, commands=offered)

    async def _with_output(self, snapshot: Snapshot, fact: Fact) -> Snapshot:
        """Return the snapshot with what steps or services have written."""
        runs = await self.records.runs.runs(repo=snapshot.pull.repo, number=snapshot.pull.number)
        if fact is Fact.LOGS:
            return replace(snapshot, logs=await self._logs(runs))
        return await self._with_service_logs(snapshot, runs)

    async def _with_service_logs(self, snapshot: Snapshot, runs: Iterable[Run]) -> Snapshot:
        """Return the snapshot with the output of services, as far as their runner answers."""
        repo, number = snapshot.pull.repo, snapshot.pull.number
        there = {one.run: one for one in await self.records.pulls.environments(repo, number)}
        logs: dict[str, ServiceLog] = {}
        try:
            async with asyncio.timeout(RUNNER_SECONDS):
                for run in filter(deployed, runs):
                    if run.id in there or not (logs or there):
                        found = await self.services.all(run, there.get(run.id))
                        logs = {**{log.name: log for log in found}, **logs}
        except TimeoutError:
            late = Refuse(Reason.OUTPUT_LATE, {"seconds": str(RUNNER_SECONDS)})
            return replace(snapshot, service_logs=logs, unread=late)
        except ChatOpsError as error:
            return replace(snapshot, service_logs=logs, unread=Refuse(error.reason, error.facts))
        return replace(snapshot, service_logs=logs)

    async def _logs(self, runs: Iterable[Run]) -> dict[str, LogTail]:
        """Return the newest log of each step; `runs` are newest first."""
        logs: dict[str, LogTail] = {}
        for run in runs:
            for step in run.steps:
                if step.started_at is not None and step.name not in logs:
                    brief = self.settings.brief
                    text = "" if brief else await self.logs.tail(run.id, step.name, LOG_BYTES)
                    logs[step.name] = LogTail(run, step, text)
        return logs
