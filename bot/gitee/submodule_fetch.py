"""Puts the content of submodules into the tree of a fetched commit, in its cache.

Each submodule is fetched into an empty repository first: in a cache that has the commit already, for example
of a private repository, git would take it without asking the server.
"""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from bot.gitee import submodules
from bot.gitee.cache import Cache
from bot.gitee.git import Git, GitResult
from bot.gitee.git_failures import FetchFailure, conclusion, failure_of
from bot.gitee.grafting import grafted
from bot.gitee.submodules import Gitlink
from bot.model.errors import RetryLater, TellUser
from bot.model.forge import Obstacle, RepoPath
from bot.model.reason import Reason

LARGEST_COMMIT = 32 << 20
"""Bytes of a commit's list of files in which submodules are found: about 300,000 files."""
WATCH_SECONDS = 0.2
_OBSTACLES = {FetchFailure.MISSING: Obstacle.NO_COMMIT, FetchFailure.REFUSED: Obstacle.REFUSED}


@dataclass(frozen=True, slots=True)
class SubmodulePolicy:
    """From where submodules are fetched, with which account, and how much of them."""

    origin: SplitResult
    """Address of the configured Gitee."""
    serves: Callable[[RepoPath], bool]
    """Whether the operator allows a repository."""
    limit: int
    """Most bytes of all submodules together, as they are transferred."""


@dataclass(slots=True)
class SubmoduleFetch:
    """Fetches the submodules of one commit. `git` has the bot's account only if the commit is trusted."""

    cache: Cache
    git: Git
    policy: SubmodulePolicy
    scratch: Path
    trusted: bool
    missing: dict[str, Obstacle] = field(default_factory=dict)
    """What was not fetched, by path."""
    _fetched: dict[tuple[RepoPath, str], Obstacle | None] = field(default_factory=dict)
    _received: int = 0
    _places: int = 0
    """Places at which there is a submodule; the same one can be at many."""

    async def tree(self, repo: RepoPath, sha: str, prefix: str = "", depth: int = 0) -> str:
        """Return the commit's tree with the content of its submodules; `sha` itself if it has none of it.

        Raises TellUser(SOURCE_TOO_LARGE), RetryLater(GIT_UNAVAILABLE), DamagedCacheError.
        """
        listing = await self.cache.listing(sha, LARGEST_COMMIT)
        links = await asyncio.to_thread(_first_gitlinks, listing)
        if not links:
            return sha
        declared = submodules.addresses(await self.cache.modules(sha))
        found: dict[bytes, bytes] = {}
        for link in links:
            fits = link.fits(prefix)
            place = (
                await self._fetch(link, declared.get(link.path), repo, depth) if fits else Obstacle.TOO_MANY
            )
            name = f"{prefix}{link.name}"[: submodules.LONGEST_PATH]
            if not isinstance(place, Obstacle):
                content = await self.tree(place, link.sha, f"{name}/", depth + 1)
                found[link.path] = b"040000 tree " + (await self.cache.tree_of(content)).encode()
            elif len(self.missing) < submodules.EXAMINED:
                self.missing[name] = place
        return await grafted(self.cache, sha, found) if found else sha

    async def _fetch(
        self, link: Gitlink, address: str | None, parent: RepoPath, depth: int
    ) -> RepoPath | Obstacle:
        """Fetch a submodule's commit into the cache; return its repository, or why it is not there."""
        if address is None:
            return Obstacle.NO_ADDRESS
        repo = submodules.locate(address, parent, self.policy.origin)
        if repo is None:
            return Obstacle.ELSEWHERE
        if not self.policy.serves(repo):
            return Obstacle.NOT_SERVED
        if depth == submodules.DEEPEST or self._places == submodules.MOST:
            return Obstacle.TOO_MANY
        self._places += 1
        if (repo, link.sha) not in self._fetched:
            self._fetched[repo, link.sha] = await self._download(repo, link.sha)
        return self._fetched[repo, link.sha] or repo

    async def _download(self, repo: RepoPath, sha: str) -> Obstacle | None:
        folder = Path(tempfile.mkdtemp(suffix=".git", dir=self.scratch))
        try:
            other = Cache(self.git, folder)
            await other.prepare()
            origin = self.policy.origin
            address = f"{origin.scheme}://{origin.netloc}/{repo}.git"
            ended = await self._watched(other.fetch_commit(address, sha), folder)
            failure = failure_of(ended)
            if failure is None:
                self._received += _size(folder)
                self.cache.adopt(folder)
                return None
            return self._obstacle(failure, ended)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _obstacle(self, failure: FetchFailure, ended: GitResult) -> Obstacle:
        if failure is FetchFailure.DENIED:
            return Obstacle.NOT_READABLE if self.trusted else Obstacle.NOT_PUBLIC
        if failure not in _OBSTACLES:
            raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": conclusion(ended.errors)})
        return _OBSTACLES[failure]

    async def _watched(self, fetching: Coroutine[Any, Any, GitResult], folder: Path) -> GitResult:
        """Fetch, and give up as soon as more has been received than a source tree may have."""
        task = asyncio.ensure_future(fetching)
        try:
            while not (await asyncio.wait({task}, timeout=WATCH_SECONDS))[0]:
                self._check(folder)
            self._check(folder)
            return task.result()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _check(self, folder: Path) -> None:
        if self._received + _size(folder) > self.policy.limit:
            raise TellUser(Reason.SOURCE_TOO_LARGE, {"limit": f"{self.policy.limit >> 20} MiB"})


def _first_gitlinks(listing: bytes) -> list[Gitlink]:
    return list(itertools.islice(submodules.gitlinks(listing), submodules.EXAMINED))


def _size(folder: Path) -> int:
    """Return the bytes of the objects in a repository, those included that are being received."""
    size = 0
    for path in (folder / "objects").rglob("*"):
        with contextlib.suppress(OSError):
            size += path.stat().st_size
    return size
