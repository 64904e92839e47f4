"""Reads the configuration that counts for a pull request, and the one that it proposes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.core.language import catalog
from bot.core.language.command import AnyCommand
from bot.engine.deciding.cache import BriefCache
from bot.engine.deciding.commit_files import CommitFiles
from bot.model.container_limits import ContainerMaximum
from bot.model.errors import RetryLater, TooExpensive
from bot.model.forge import Branch, PullRequest, RepoPath
from bot.model.limits import SandboxLimits
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.run import Note
from bot.model.views import ConfigBroken
from bot.pipeline import composed, config_file, owners
from bot.pipeline.compose.project import FilesNeeded
from bot.ports import Forge, Sandbox

DEFAULT_BRANCH_AGE = timedelta(minutes=10)
"""How long the name of a default branch is remembered."""
BRANCH_AGE = timedelta(seconds=15)
"""How long a branch is remembered, unless the pull request shows before that it has moved."""
CONFIG_LIMITS = SandboxLimits(seconds=10, inline=4 << 10)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of a pull request."""

    pipeline: Pipeline | ConfigBroken | None
    """None if there is no file."""
    reviewed: bool
    """Whether it is that of the base branch."""
    notes: tuple[Note, ...] = ()
    """Why it is not the base branch's own file, if that one differs."""
    hints: tuple[Note, ...] = ()
    """What to say once, when a pull request is opened."""


@dataclass(frozen=True, slots=True)
class ConfigReader:
    """Reads configurations. Raises what the forge raises."""

    forge: Forge
    sandbox: Sandbox
    commands: tuple[AnyCommand, ...]
    defaults: BriefCache[str]
    """Names of default branches by repository."""
    branches: BriefCache[Branch | None]
    """Branches by repository, name, and what a pull request says about them."""
    approvers: BriefCache[tuple[str, ...]]
    """The approvers in OWNERS by repository and commit."""
    files: CommitFiles
    any_base: bool = False
    """Whether the file of every base branch counts, also of those to which people push without a review."""
    most: Mapping[str, ContainerMaximum] = field(default_factory=dict)
    """What containers may have, by the names of runners."""

    async def read(self, pull: PullRequest) -> Configuration:
        """Return the configuration that counts for a pull request."""
        base = pull.base.ref
        branch, default = await self._base(pull)
        if _reviewed(base, branch, default):
            content = await self._file(pull, branch)
            return await self._configuration(pull.repo, branch, content, base, reviewed=True)
        counts = await self._branch(pull, default)
        counted, own = await asyncio.gather(self._file(pull, counts), self._file(pull, branch))
        facts = {"file": config_file.FILE, "branch": base, "default": default}
        notes = () if own in {None, counted} else (Note("config_not_counted", facts),)
        found = await self._configuration(pull.repo, counts, counted, default, reviewed=False)
        return replace(found, notes=(*notes, *found.notes))

    async def owners(self, pull: PullRequest) -> tuple[str, ...]:
        """Return the approvers in the OWNERS of the branch whose configuration counts; empty if unusable."""
        branch, default = await self._base(pull)
        if not _reviewed(pull.base.ref, branch, default):
            branch = await self._branch(pull, default)
        if branch is None:
            return ()
        at = branch.sha
        return await self.approvers.get((str(pull.repo).lower(), at), lambda: self._approvers(pull, at))

    async def proposed(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        """Return the configuration as the pull request would have it; None if it has none."""
        repo, sha = pull.head.repo or pull.repo, pull.head.sha
        content = await self.forge.file(repo, config_file.FILE, sha)
        head = Branch(sha, protected=False)
        return (await self._configuration(repo, head, content, pull.head.ref, reviewed=False)).pipeline

    async def _base(self, pull: PullRequest) -> tuple[Branch | None, str]:
        """Return the base branch, and the name of the branch that counts if that is not reviewed."""
        own = self._branch(pull, pull.base.ref, pull.base.sha)
        return await asyncio.gather(own, self._default(pull))

    async def _approvers(self, pull: PullRequest, sha: str) -> tuple[str, ...]:
        read = (self.forge.file(pull.repo, path, sha) for path in (owners.FILE, owners.ALIASES_FILE))
        found, aliases = [
            None if content is None else content[: config_file.MAX_BYTES + 1]
            for content in await asyncio.gather(*read)
        ]
        if found is None:
            return ()
        try:
            return await self.sandbox.call(CONFIG_LIMITS, owners.FILE, owners.approvers, found, aliases)
        except TooExpensive:
            return ()

    async def _default(self, pull: PullRequest) -> str:
        """Return the branch whose file counts for base branches that are not protected."""
        if self.any_base:
            return pull.base.ref
        key = str(pull.repo).lower()
        default = await self.defaults.get(key, lambda: self.forge.default_branch(pull.repo))
        if not default:
            raise RetryLater(Reason.GITEE_UNAVAILABLE, {"message": "the repository has no default branch"})
        return default

    async def _branch(self, pull: PullRequest, name: str, seen: str = "") -> Branch | None:
        key = str(pull.repo).lower(), name, seen
        return await self.branches.get(key, lambda: self.forge.branch(pull.repo, name))

    async def _file(self, pull: PullRequest, branch: Branch | None) -> bytes | None:
        # By its commit: Gitee also takes the name of a tag, which people create without a review.
        return None if branch is None else await self.forge.file(pull.repo, config_file.FILE, branch.sha)

    async def _configuration(
        self, repo: RepoPath, branch: Branch | None, content: bytes | None, ref: str, *, reviewed: bool
    ) -> Configuration:
        """Return the configuration that a branch has; without `.chatops.yml`, a Compose file can be one.

        A Dockerfile in the root comes before it, and a note says so.
        """
        if branch is None:
            return Configuration(None, reviewed)
        if content is None:
            names = await self.files.names(repo, branch.sha)
            compose = composed.found_among(names)
            if compose is None:
                return Configuration(None, reviewed)
            text = config_file.COMPOSE_ALONE.format(compose)
            if composed.DOCKERFILE in names:
                unused = Note("compose_not_used", {"file": compose, "setting": text.strip()})
                return Configuration(None, reviewed, hints=(unused,))
            found = await self._parsed(repo, branch.sha, text.encode(), ref)
            if isinstance(found, ConfigBroken):
                found = replace(found, found=True)
            return Configuration(found, reviewed)
        return Configuration(await self._parsed(repo, branch.sha, content, ref), reviewed)

    async def _parsed(self, repo: RepoPath, sha: str, content: bytes, ref: str) -> Pipeline | ConfigBroken:
        """Return the contents, with those of the files of the same commit that it refers to."""
        files = dict[str, bytes | None]()
        while isinstance(found := await self._read(content, ref, files), FilesNeeded):
            files |= await self.files.read(repo, sha, found.paths)
        return found

    async def _read(
        self, content: bytes, ref: str, files: Mapping[str, bytes | None]
    ) -> Pipeline | ConfigBroken | FilesNeeded:
        return await self.sandbox.call(
            CONFIG_LIMITS,
            config_file.FILE,
            config_file.read,
            content[: config_file.MAX_BYTES + 1],
            file=config_file.FILE,
            ref=ref,
            known_commands=catalog.names(self.commands),
            most=self.most,
            files=files,
        )


def _reviewed(base: str, branch: Branch | None, default: str) -> bool:
    """Return whether the files of the base branch count."""
    return base == default or (branch is not None and branch.protected)
