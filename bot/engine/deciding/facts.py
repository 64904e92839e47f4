"""Reads the facts of a decision again from their sources: a delivery only says where to look."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.core.admission import trust
from bot.core.language import catalog
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.engine.records import Records
from bot.model.forge import Permission, PullRequest
from bot.model.limits import Limits
from bot.model.pipeline import Pipeline
from bot.model.run import Run
from bot.model.snapshot import CommandSettings, Fact, LogTail, Snapshot
from bot.model.text import Language
from bot.model.views import ConfigBroken
from bot.pipeline import config_file
from bot.ports import Clock, Forge, LogReader, Sandbox

CONFIG_LIMITS = Limits(seconds=10, inline=4 << 10)
LOG_BYTES = 16 << 10
"""How much of the end of a log is read for a comment."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot, and the facts that only the checks before a command use."""

    snapshot: Snapshot
    permission: Permission
    broken: ConfigBroken | None
    """Why the configuration of the base branch cannot be used, if so."""
    configured: bool
    """Whether the base branch has a configuration at all."""
    language: Language


@dataclass(frozen=True, slots=True)
class FactGatherer:
    """Reads facts."""

    forge: Forge
    records: Records
    logs: LogReader
    commands: tuple[AnyCommand, ...]
    policy: Mapping[str, PermissionLevel]
    settings: CommandSettings
    clock: Clock
    sandbox: Sandbox
    language: Language
    """The language of comments where the repository does not choose one."""

    async def gather(self, pull: PullRequest, actor: str, needs: Iterable[Fact]) -> Facts:
        """Read what every decision needs about a pull request and a person, and the facts in `needs`."""
        permission, author_permission, pipeline, approved, active = await asyncio.gather(
            self.forge.permission(pull.repo, actor),
            self.forge.permission(pull.repo, pull.author),
            self._pipeline(pull),
            self.records.pulls.approved(pull.repo, pull.number),
            self.records.runs.unfinished(pull.repo, pull.number),
        )
        usable = pipeline if isinstance(pipeline, Pipeline) else Pipeline()
        snapshot = Snapshot(
            pull=pull,
            pipeline=usable,
            actor=actor,
            now=self.clock.now(),
            trusted=trust.trusted(pull, author_permission, approved),
            active=active,
            settings=self.settings,
            writes=permission >= Permission.WRITE,
            author_writes=author_permission >= Permission.WRITE,
        )
        for fact in needs:
            snapshot = await self._with(snapshot, fact)
        return Facts(
            snapshot=snapshot,
            permission=permission,
            broken=pipeline if isinstance(pipeline, ConfigBroken) else None,
            configured=pipeline is not None,
            language=usable.language or self.language,
        )

    async def proposed(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        """Return the configuration as the pull request would have it; None if it has none."""
        content = await self.forge.file(pull.head.repo or pull.repo, config_file.FILE, pull.head.sha)
        return None if content is None else await self._read(content, pull.head.ref)

    async def _pipeline(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        content = await self.forge.file(pull.repo, config_file.FILE, pull.base.ref)
        return None if content is None else await self._read(content, pull.base.ref)

    async def _read(self, content: bytes, ref: str) -> Pipeline | ConfigBroken:
        known = catalog.names(self.commands)
        return await self.sandbox.call(
            CONFIG_LIMITS,
            config_file.FILE,
            config_file.read,
            content[: config_file.MAX_BYTES + 1],
            file=config_file.FILE,
            ref=ref,
            known_commands=known,
        )

    async def _with(self, snapshot: Snapshot, fact: Fact) -> Snapshot:
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
            case Fact.LOGS:
                runs = await self.records.runs.runs(repo=repo, number=number)
                return replace(snapshot, logs=await self._logs(runs))
            case Fact.COMMANDS:
                offered = catalog.offered(self.commands, self.policy, snapshot.pipeline)
                return replace(snapshot, commands=offered)

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
