"""Reads files of commits from Gitee, each once for a while: the files of a commit never change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.engine.deciding.cache import BriefCache
from bot.model.forge import RepoPath
from bot.pipeline import composed
from bot.pipeline.decoding import MAX_BYTES
from bot.ports import Forge

AGE = timedelta(minutes=10)
"""How long files and lists of files are remembered."""


@dataclass(frozen=True, slots=True)
class CommitFiles:
    """Files of commits. Raises what the forge raises."""

    forge: Forge
    lists: BriefCache[tuple[str, ...]]
    """What describes a repository in its root, by repository and commit."""
    contents: BriefCache[bytes | None]
    """By repository, commit and path; of a large file only as much as shows that it is too large."""

    async def names(self, repo: RepoPath, sha: str) -> tuple[str, ...]:
        """Return which of the Compose files and the Dockerfile the root of a commit has."""
        return await self.lists.get((str(repo).lower(), sha), lambda: self._names(repo, sha))

    async def _names(self, repo: RepoPath, sha: str) -> tuple[str, ...]:
        wanted = {*composed.NAMES, composed.DOCKERFILE}
        return tuple(wanted.intersection(await self.forge.root_files(repo, sha)))

    async def read(self, repo: RepoPath, sha: str, paths: Iterable[str]) -> Mapping[str, bytes | None]:
        """Return the contents of files; None for each that the commit does not have."""
        return {path: await self._remembered(repo, sha, path) for path in paths}

    async def _remembered(self, repo: RepoPath, sha: str, path: str) -> bytes | None:
        return await self.contents.get((str(repo).lower(), sha, path), lambda: self._read(repo, sha, path))

    async def _read(self, repo: RepoPath, sha: str, path: str) -> bytes | None:
        content = await self.forge.file(repo, path, sha)
        return None if content is None else content[: MAX_BYTES + 1]
