"""Re-reads from their sources all that a decision looks at: a delivery only says where to look."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.core.admission import trust
from bot.core.language.catalogue import help_view, names
from bot.core.language.command import AnyCommand, PermissionLevel
from bot.core.results import showing
from bot.engine.records import Records
from bot.model.addresses import Addresses
from bot.model.environment import Environment
from bot.model.forge import Permission, PullRequest, PullState
from bot.model.outcome import Snapshot
from bot.model.pipeline import Pipeline
from bot.model.run import Image, Run, StepState
from bot.model.text import Language
from bot.model.views import ConfigBroken, Links, Status
from bot.pipeline import config_file
from bot.ports import Clock, Forge


@dataclass(frozen=True, slots=True)
class Facts:
    """A snapshot, and what only the common gates in front of a command look at."""

    snapshot: Snapshot
    permission: Permission
    author_permission: Permission
    broken: ConfigBroken | None
    """Why the base branch's configuration could not be used, if so."""
    configured: bool
    """Whether the base branch has a configuration at all."""
    language: Language


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the store knows of a pull request."""

    approved: frozenset[str]
    images: Mapping[str, Image]
    environments: tuple[Environment, ...]
    active: tuple[Run, ...]
    last: Run | None
    last_test: Run | None


@dataclass(frozen=True, slots=True)
class FactGatherer:
    """Reads facts."""

    forge: Forge
    records: Records
    commands: tuple[AnyCommand, ...]
    policy: Mapping[str, PermissionLevel]
    addresses: Addresses
    clock: Clock
    language: Language
    longest: timedelta
    """How long an environment may have to live from now on."""
    ahead: timedelta
    """How long before the end of an environment people are told."""

    async def gather(self, pull: PullRequest, actor: str) -> Facts:
        """Read everything about one pull request and one person."""
        permission, author_permission, pipeline, remembered = await asyncio.gather(
            self.forge.permission(pull.repo, actor),
            self.forge.permission(pull.repo, pull.author),
            self._pipeline(pull),
            self._remembered(pull),
        )
        usable = pipeline if isinstance(pipeline, Pipeline) else Pipeline()
        trusted = trust.trusted(pull, author_permission, remembered.approved)
        return Facts(
            snapshot=replace(
                self._snapshot(pull, actor, usable, remembered, trusted=trusted),
                writes=permission >= Permission.WRITE,
                author_writes=author_permission >= Permission.WRITE,
            ),
            permission=permission,
            author_permission=author_permission,
            broken=pipeline if isinstance(pipeline, ConfigBroken) else None,
            configured=pipeline is not None,
            language=usable.language or self.language,
        )

    async def proposed(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        """Return the configuration as the pull request would have it; None if it has none."""
        content = await self.forge.file(pull.head.repo or pull.repo, config_file.FILE, pull.head.sha)
        return None if content is None else self._read(content, pull.head.ref)

    async def _pipeline(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        content = await self.forge.file(pull.repo, config_file.FILE, pull.base.ref)
        return None if content is None else self._read(content, pull.base.ref)

    def _read(self, content: bytes, ref: str) -> Pipeline | ConfigBroken:
        return config_file.read(content, file=config_file.FILE, ref=ref, known_commands=names(self.commands))

    async def _remembered(self, pull: PullRequest) -> Remembered:
        repo, number = pull.repo, pull.number
        recent = await self.records.runs.runs(repo=repo, number=number)
        return Remembered(
            approved=await self.records.pulls.approved(repo, number),
            images=await self.records.pulls.images(repo, number),
            environments=await self.records.pulls.environments(repo, number),
            active=await self.records.runs.unfinished(repo, number),
            last=next((run for run in recent if run.state.final), None),
            last_test=next((run for run in recent if run.state.final and _tested(run)), None),
        )

    def _snapshot(
        self, pull: PullRequest, actor: str, pipeline: Pipeline, known: Remembered, *, trusted: bool
    ) -> Snapshot:
        return Snapshot(
            pull=pull,
            pipeline=pipeline,
            actor=actor,
            now=self.clock.now(),
            trusted=trusted,
            images=known.images,
            environments={environment.key.name: environment for environment in known.environments},
            active=known.active,
            last_test=known.last_test,
            help=help_view(self.commands, self.policy, actor=actor, pipeline=pipeline),
            status=self._status(pull, known, trusted=trusted),
            longest=self.longest,
        )

    def _status(self, pull: PullRequest, known: Remembered, *, trusted: bool) -> Status:
        image = known.images.get(pull.head.sha)
        return Status(
            repo=pull.repo,
            number=pull.number,
            sha=pull.head.sha,
            trusted=trusted,
            environments=tuple(
                showing.environment_line(environment, self.addresses, self.clock.now(), self.ahead)
                for environment in known.environments
            ),
            active=known.active,
            last=known.last,
            links=self.addresses.links(known.last)
            if known.last
            else Links(pull=self.addresses.pull(pull.repo, pull.number)),
            image=image.pinned if image else "",
            open=pull.state is PullState.OPEN,
        )


def _tested(run: Run) -> bool:
    ended = {StepState.PASSED, StepState.FAILED}
    return any(record.name == "test" and record.state in ended for record in run.steps)
