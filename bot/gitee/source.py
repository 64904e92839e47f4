"""The source code of pull requests, fetched only from the configured Gitee.

There is no work tree, so hooks, filters and symlinks of a pull request have no effect on this machine.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from bot.gitee.cache import Cache, DamagedCacheError
from bot.gitee.git import Git, GitResult, basic
from bot.gitee.git_failures import FetchFailure, conclusion, failure_of
from bot.gitee.lfs_fetch import LfsFetch
from bot.gitee.merge_fetch import MergeFetch
from bot.gitee.paths import is_inside, is_name, is_sha
from bot.gitee.submodule_fetch import SubmoduleFetch, SubmodulePolicy
from bot.model.errors import ChatOpsError, GiveUp, RetryLater, TellUser
from bot.model.forge import Checkout, Merge, RepoPath, Tree
from bot.model.reason import Reason

KEEP = timedelta(days=14)
LONGEST_WORK = timedelta(days=1)
"""What is older in the folder of unfinished work belongs to no step that still runs."""
LARGEST_LISTING = 2 << 20
"""Bytes of the list of a commit's files: about 20,000."""

logger = logging.getLogger(__name__)


class GitSource:
    """Implements `bot.ports.Source`.

    `gitee_url` is the only origin that is fetched from and that receives the token. `limit` is the largest
    archive in bytes, `timeout` the longest fetch in seconds, `serves` whether a submodule's repository is
    allowed.
    """

    def __init__(
        self,
        cache_dir: Path,
        gitee_url: str,
        token: str = "",
        *,
        limit: int = 1 << 30,
        timeout: float = 600,
        serves: Callable[[RepoPath], bool] = lambda _: False,
    ) -> None:
        self._dir = cache_dir
        # No account on Gitee has such a name (`is_name`).
        self._scratch = cache_dir / ".scratch"
        home = cache_dir / ".home"
        for folder in (self._scratch, home):
            folder.mkdir(parents=True, exist_ok=True)
        self._origin = urlsplit(gitee_url)
        credential = (
            (f"{self._origin.scheme}://{self._origin.netloc}", basic("oauth2", token)) if token else None
        )
        self._git = Git(home, self._origin.scheme, os.environ, credential)
        self._anonymous = Git(home, self._origin.scheme, os.environ, None)
        self._submodules = SubmodulePolicy(self._origin, serves, limit)
        self._token = token
        self._limit = limit
        self._timeout = timeout
        self._locks: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        """Fetch exactly this commit into the cache; without network access if it is present.

        Raises TellUser(HEAD_MOVED | COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        await self._fetch(
            repo, clone_url, sha, lambda cache: _fetch_head(cache, repo, clone_url, number, sha)
        )

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        """Fetch a commit of a base branch into the cache; without network access if it is present.

        Raises TellUser(COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        await self._fetch(repo, clone_url, sha, lambda cache: _fetch_commit(cache, repo, clone_url, sha))

    async def fetch_merge(self, repo: RepoPath, clone_url: str, number: int, sha: str, base: str) -> Merge:
        """Fetch Gitee's merge of this head into the base branch; see `Source.fetch_merge`."""
        self._check(repo, clone_url, sha)
        self._check(repo, clone_url, base)
        async with self._locked(repo) as cache:
            try:
                async with asyncio.timeout(self._timeout):
                    await cache.prepare()
                    fetch = MergeFetch(cache, self._git, self._scratch, clone_url, number)
                    merge = await fetch.fetch(sha, base)
            except TimeoutError as error:
                raise _unavailable(f"not finished after {self._timeout:g} s") from error
            if merge is None:
                raise TellUser(Reason.HEAD_MOVED, {"seen": sha, "now": await cache.head(number) or ""})
            if not await cache.mark_present(merge.sha):
                raise TellUser(Reason.COMMIT_GONE, {"sha": merge.sha})
            return merge

    async def checkout(self, repo: RepoPath, sha: str, *, trusted: bool) -> Checkout:
        """Fetch submodules and LFS files of a fetched commit; see `Source.checkout`.

        Raises TellUser(SOURCE_TOO_LARGE), RetryLater(GIT_UNAVAILABLE).
        """
        kind = "trusted" if trusted else "untrusted"
        async with self._locked(repo) as cache:
            if not is_sha(sha) or not await cache.has(sha):
                raise _unavailable("the commit is not in the cache")
            if (known := await cache.checkout(sha, kind)) is not None:
                return Checkout(known)
            git = self._git if trusted else self._anonymous
            submodules = SubmoduleFetch(cache, git, self._submodules, self._scratch, trusted)
            lfs = LfsFetch(cache, self._git, self._origin, self._token, self._scratch, self._limit)
            try:
                async with asyncio.timeout(self._timeout):
                    tree = await submodules.tree(repo, sha)
                    tree = await lfs.tree(repo, sha, tree)
                    missing = {**submodules.missing, **lfs.missing}
                    if tree == sha:
                        return Checkout(sha, missing)
                    made = await cache.make_commit(tree)
            except DamagedCacheError as error:
                await cache.discard()
                raise _unavailable("the cache was damaged and has been removed") from error
            except TimeoutError as error:
                raise _unavailable(f"not finished after {self._timeout:g} s") from error
            if not missing:
                await cache.remember_checkout(sha, kind, made)
            return Checkout(made, missing)

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        """Return one file of a fetched commit; None if it is absent or larger than `limit` bytes.

        Symlinks are followed within the commit only. Raises RetryLater(GIT_UNAVAILABLE).
        """
        inside = _inside(path)
        if not inside or not is_sha(sha):
            return None
        async with self._locked(repo) as cache:
            if not await cache.has(sha):
                return None
            try:
                return await cache.blob(sha, inside, limit)
            except DamagedCacheError as error:
                await cache.discard()
                raise _unavailable("the cache was damaged and has been removed") from error

    async def tree(self, repo: RepoPath, sha: str) -> Tree:
        """Return the paths in a fetched commit; of a very large one only the first."""
        if not is_sha(sha):
            return Tree()
        async with self._locked(repo) as cache:
            listing = await cache.listing(sha, LARGEST_LISTING) if await cache.has(sha) else b""
        return await asyncio.to_thread(_tree, listing)

    async def listing(self, repo: RepoPath, sha: str, limit: int) -> bytes | None:
        """Return the files of a fetched commit; see `Source.listing`."""
        async with self._locked(repo) as cache:
            if not is_sha(sha) or not await cache.has(sha):
                raise _unavailable("the commit is not in the cache")
            listing = await cache.listing(sha, limit + 1)
        return listing if len(listing) <= limit else None

    @contextlib.asynccontextmanager
    async def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AsyncIterator[Path]:
        """Provide a tar of a folder in a fetched commit; it is removed on leaving.

        Raises TellUser(NO_DOCKERFILE) if there is no such folder, TellUser(SOURCE_TOO_LARGE) if it is
        too large, RetryLater(GIT_UNAVAILABLE) if the commit has to be fetched first.
        """
        handle, name = tempfile.mkstemp(suffix=".tar", dir=self._scratch)
        os.close(handle)
        target = Path(name)
        try:
            async with self._locked(repo) as cache:
                await self._write(cache, sha, folder, target)
            yield target
        finally:
            target.unlink(missing_ok=True)  # noqa: ASYNC240 - one system call

    async def gc(self, keep: timedelta = KEEP) -> None:
        """Remove commits that were not used for this long, and free their space."""
        now = time.time()
        for path in self._scratch.iterdir():
            if path.stat().st_mtime < now - LONGEST_WORK.total_seconds():
                await asyncio.to_thread(_remove, path)
        for git_dir in sorted(self._dir.glob("[!.]*/*.git")):
            repo = RepoPath(git_dir.parent.name, git_dir.name.removesuffix(".git"))
            async with self._locked(repo) as cache:
                await cache.collect(now - keep.total_seconds())

    async def _fetch(
        self, repo: RepoPath, clone_url: str, sha: str, download: Callable[[Cache], Awaitable[None]]
    ) -> None:
        self._check(repo, clone_url, sha)
        async with self._locked(repo) as cache:
            if await cache.has(sha):
                return
            try:
                async with asyncio.timeout(self._timeout):
                    await cache.prepare()
                    await download(cache)
                    if not await cache.mark_present(sha):
                        raise TellUser(Reason.COMMIT_GONE, {"sha": sha})
            except TimeoutError as error:
                raise _unavailable(f"not finished after {self._timeout:g} s") from error

    async def _write(self, cache: Cache, sha: str, folder: str, target: Path) -> None:
        if not is_sha(sha) or not await cache.has(sha):
            raise _unavailable("the commit is not in the cache")
        inside = _inside(folder)
        tree = f"{sha}:{inside}"
        if inside is None or not await cache.is_folder(tree):
            raise TellUser(Reason.NO_DOCKERFILE, {"path": folder})
        ended = await cache.archive(tree, target, self._limit)
        if ended is None:
            raise TellUser(Reason.SOURCE_TOO_LARGE, {"limit": f"{self._limit >> 20} MiB"})
        if ended.code != 0:
            await cache.discard()
            raise _unavailable(conclusion(ended.errors))

    def _check(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        if not is_sha(sha) or not self._is_ours(clone_url):
            logger.warning("refused to fetch %s: not a commit of %s", repo, self._origin.netloc)
            raise GiveUp(Reason.GIT_DENIED, {"repository": str(repo)})

    def _is_ours(self, clone_url: str) -> bool:
        """Return whether an address is exactly that of a repository on the configured Gitee."""
        parts = urlsplit(clone_url)
        names = parts.path.removesuffix(".git").strip("/").split("/")
        expected = f"{self._origin.scheme}://{self._origin.netloc}{parts.path}"
        return clone_url.lower() == expected.lower() and all(map(is_name, names))

    @contextlib.asynccontextmanager
    async def _locked(self, repo: RepoPath) -> AsyncIterator[Cache]:
        """Provide a repository's cache, to one caller at a time."""
        if not (is_name(repo.owner) and is_name(repo.name)):
            raise GiveUp(Reason.GIT_DENIED, {"repository": str(repo)})
        git_dir = self._dir / repo.owner.lower() / f"{repo.name.lower()}.git"
        async with self._locks.setdefault(git_dir, asyncio.Lock()):
            yield Cache(self._git, git_dir)


async def _fetch_head(cache: Cache, repo: RepoPath, url: str, number: int, sha: str) -> None:
    """Fetch the head of a pull request, and check that it is the authorised commit."""
    ended = await cache.fetch_head(url, number)
    if failure_of(ended) is FetchFailure.BROKEN:
        logger.warning(
            "the cache of %s is unusable (%s), fetching into a new one", repo, conclusion(ended.errors)
        )
        await cache.discard()
        await cache.prepare()
        ended = await cache.fetch_head(url, number)
    if failure_of(ended) is FetchFailure.MISSING:
        # The ref of a new pull request may appear late; only the commit matters.
        await _fetch_commit(cache, repo, url, sha)
        return
    _raise_for(ended, repo, sha)
    now = await cache.head(number)
    if now != sha:
        raise await _moved(cache, repo, url, sha, now or "")


async def _fetch_commit(cache: Cache, repo: RepoPath, url: str, sha: str) -> None:
    _raise_for(await cache.fetch_commit(url, sha), repo, sha)


async def _moved(cache: Cache, repo: RepoPath, url: str, sha: str, now: str) -> ChatOpsError:
    """Return whether the head merely moved on, or the commit no longer exists, as an error."""
    ended = await cache.fetch_commit(url, sha)
    if failure_of(ended) is None:
        return TellUser(Reason.HEAD_MOVED, {"seen": sha, "now": now})
    return _error_for(ended, repo, sha)


def _raise_for(ended: GitResult, repo: RepoPath, sha: str) -> None:
    if failure_of(ended) is not None:
        raise _error_for(ended, repo, sha)


def _error_for(ended: GitResult, repo: RepoPath, sha: str) -> ChatOpsError:
    failure, words = failure_of(ended), conclusion(ended.errors)
    if failure is FetchFailure.MISSING:
        return TellUser(Reason.COMMIT_GONE, {"sha": sha})
    if failure in {FetchFailure.DENIED, FetchFailure.REFUSED}:
        return GiveUp(Reason.GIT_DENIED, {"repository": str(repo)}, log=words)
    return _unavailable(words)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _tree(listing: bytes) -> Tree:
    """Read a listing, whose last entry may be incomplete."""
    found: dict[bytes, list[str]] = {}
    for entry in listing.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        found.setdefault(facts[:6], []).append(path.decode("utf-8", "replace"))
    files, executable, links, submodules = (
        tuple(found.get(mode, ())) for mode in (b"100644", b"100755", b"120000", b"160000")
    )
    return Tree(tuple(sorted((*files, *executable))), submodules, links, frozenset(executable))


def _unavailable(message: str) -> RetryLater:
    return RetryLater(Reason.GIT_UNAVAILABLE, {"message": message})


def _inside(path: str) -> str | None:
    """Return a normalized path inside the repository, empty for its root; None if it leads outside."""
    plain = str(PurePosixPath(path or "."))
    if plain == ".":
        return ""
    return plain if is_inside(plain) else None
