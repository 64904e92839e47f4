"""One repository's shallow bare cache on disk: what is in it, and how it is filled, read and emptied.

A commit counts as present only once a ref of ours, written after it was verified, names it; the
ref's age tells when it was last used. Callers hold the repository's lock.
"""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

from bot.gitee.git import Git, GitResult

_REFS = "refs/chatops"
_HEADS = "refs/heads-of-pulls"
_FETCH = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")


class DamagedCacheError(Exception):
    """An object that should be in the cache cannot be read."""


class Cache:
    """The cache in `git_dir`, which need not exist."""

    def __init__(self, git: Git, git_dir: Path) -> None:
        self._git = git
        self._dir = git_dir

    async def has(self, sha: str) -> bool:
        """Whether this commit was fetched; being asked for counts as being used."""
        if await self._resolve(f"{_REFS}/{sha}") != sha:
            return False
        with contextlib.suppress(OSError):
            os.utime(self._dir / _REFS / sha)
        return True

    async def prepare(self) -> None:
        """Make the cache if there is none, and remove the locks of a git that was killed."""
        if not (self._dir / "HEAD").is_file():
            self._dir.mkdir(parents=True, exist_ok=True)
            await self._run("init", "--quiet", "--bare", str(self._dir))
        for lock in (*self._dir.glob("*.lock"), *(self._dir / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)

    async def fetch_head(self, url: str, number: int) -> GitResult:
        """Fetch the head of a pull request."""
        refspec = f"+refs/pull/{number}/head:{_HEADS}/{number}"
        return await self._git.run(self._dir, *_FETCH, "--", url, refspec, network=True)

    async def fetch_commit(self, url: str, sha: str) -> GitResult:
        """Fetch one commit by its id, which servers may refuse."""
        return await self._git.run(self._dir, *_FETCH, "--", url, sha, network=True)

    async def head(self, number: int) -> str | None:
        """Return the commit that the last `fetch_head` brought."""
        return await self._resolve(f"{_HEADS}/{number}")

    async def keep(self, sha: str) -> bool:
        """Mark a commit as verified and present; False if it is not there after all."""
        return (await self._run("update-ref", f"{_REFS}/{sha}", f"{sha}^{{commit}}")).code == 0

    async def blob(self, sha: str, path: str, limit: int) -> bytes | None:
        """Return a file, following links inside the commit only; None if absent or larger than `limit`.

        Raises DamagedCacheError.
        """
        arguments = ("cat-file", "--batch", "--follow-symlinks")
        async with self._git.started(self._dir, arguments, given=True) as process:
            if process.stdin is None or process.stdout is None:
                return None
            process.stdin.write(f"{sha}:{path}\n".encode())
            process.stdin.close()
            header = (await process.stdout.readline()).split()
            # `<id> blob <size>`; everything else (missing, dangling, symlink, a folder) is no file.
            if len(header) == 3 and header[1] == b"blob":  # noqa: PLR2004 - see above
                size = int(header[2])
                return await process.stdout.readexactly(size) if size <= limit else None
        if not header or (header[-1] == b"missing" and await self._lists(sha, path)):
            raise DamagedCacheError(path)
        return None

    async def _lists(self, sha: str, path: str) -> bool:
        """Whether the commit has such a file, be its content readable or not."""
        return b" blob " in (await self._run("ls-tree", "--full-tree", sha, "--", path)).output

    async def is_folder(self, tree: str) -> bool:
        """Whether this names a folder."""
        return (await self._run("cat-file", "-t", tree)).output.strip() == b"tree"

    async def archive(self, tree: str, target: Path, limit: int) -> GitResult | None:
        """Write a tar; None if it would be larger than `limit`.

        Of a tree, not of a commit: git then leaves `$Format:…$` (export-subst) alone.
        """
        return await self._git.stream(self._dir, ("archive", "--format=tar", tree), target, limit)

    async def collect(self, before: float) -> None:
        """Forget commits that were last used `before` (seconds since 1970) and give their space back."""
        refs = [path for path in (self._dir / _REFS).glob("*") if path.is_file()]
        stale = [path for path in refs if path.stat().st_mtime < before]
        if len(stale) == len(refs):
            await self.discard()
            return
        if not stale:
            return
        for path in (*stale, *(self._dir / _HEADS).glob("*")):
            path.unlink(missing_ok=True)
        await self._run("gc", "--quiet", "--prune=now")

    async def discard(self) -> None:
        """Throw everything away."""
        await asyncio.to_thread(shutil.rmtree, self._dir, ignore_errors=True)

    async def _resolve(self, ref: str) -> str | None:
        if not self._dir.is_dir():
            return None
        found = await self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return found.output.decode().strip() if found.code == 0 else None

    async def _run(self, *arguments: str) -> GitResult:
        return await self._git.run(self._dir, *arguments)
