"""Reads the `.chatops.yml` that counts for a pull request, and the one that it proposes."""

import asyncio
from dataclasses import dataclass

from bot.core.language import catalog
from bot.core.language.command import AnyCommand
from bot.engine.deciding.cache import BriefCache
from bot.model.errors import RetryLater
from bot.model.forge import PullRequest
from bot.model.limits import SandboxLimits
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.run import Note
from bot.model.views import ConfigBroken
from bot.pipeline import config_file
from bot.ports import Forge, Sandbox

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


@dataclass(frozen=True, slots=True)
class ConfigReader:
    """Reads configurations. Raises what the forge raises."""

    forge: Forge
    sandbox: Sandbox
    commands: tuple[AnyCommand, ...]
    branches: BriefCache[str]
    """The branch whose file counts, by repository and base branch."""
    any_base: bool = False
    """Whether the file of every base branch counts, also of those to which people push without a review."""

    async def read(self, pull: PullRequest) -> Configuration:
        """Return the configuration that counts for a pull request."""
        base = pull.base.ref
        branch = base if self.any_base else await self._branch(pull)
        if branch == base:
            return Configuration(await self._parsed(await self._file(pull, base), base), reviewed=True)
        counted, own = await asyncio.gather(self._file(pull, branch), self._file(pull, base))
        facts = {"file": config_file.FILE, "branch": base, "default": branch}
        notes = () if own in {None, counted} else (Note("config_not_counted", facts),)
        return Configuration(await self._parsed(counted, branch), reviewed=False, notes=notes)

    async def proposed(self, pull: PullRequest) -> Pipeline | ConfigBroken | None:
        """Return the configuration as the pull request would have it; None if it has none."""
        content = await self.forge.file(pull.head.repo or pull.repo, config_file.FILE, pull.head.sha)
        return await self._parsed(content, pull.head.ref)

    async def _branch(self, pull: PullRequest) -> str:
        """Return the base branch if it is protected or the default one, otherwise the default branch."""
        return await self.branches.get(
            (str(pull.repo).lower(), pull.base.ref), lambda: self._read_branch(pull)
        )

    async def _read_branch(self, pull: PullRequest) -> str:
        default = await self.branches.get(
            (str(pull.repo).lower(),), lambda: self.forge.default_branch(pull.repo)
        )
        if not default:
            raise RetryLater(Reason.GITEE_UNAVAILABLE, {"message": "the repository has no default branch"})
        if pull.base.ref == default or await self.forge.is_protected(pull.repo, pull.base.ref):
            return pull.base.ref
        return default

    async def _file(self, pull: PullRequest, branch: str) -> bytes | None:
        return await self.forge.file(pull.repo, config_file.FILE, branch)

    async def _parsed(self, content: bytes | None, ref: str) -> Pipeline | ConfigBroken | None:
        if content is None:
            return None
        return await self.sandbox.call(
            CONFIG_LIMITS,
            config_file.FILE,
            config_file.read,
            content[: config_file.MAX_BYTES + 1],
            file=config_file.FILE,
            ref=ref,
            known_commands=catalog.names(self.commands),
        )
