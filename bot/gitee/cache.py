"""The shallow bare cache of one repository on disk.

A commit is present only if one of our refs names it, which is written after the commit was verified; the age
of the ref is when the commit was last used. Callers hold the repository's lock.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from bot.gitee.git import Git, GitResult

_REFS = "refs/chatops"
_HEADS = "refs/heads-of-pulls"
_MERGES = "refs/merges-of-pulls"
_CHECKOUTS = "refs/chatops-checkouts"
_FETCH = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")


class DamagedCacheError(Exception):
    """An object that should be in the cache cannot be read."""


class Cache:
    """The cache in `git_dir`, which need not exist."""

    def __init__(self, git: Git, git_dir: Path) -> None:
        self._git = git
        self._dir = git_dir

    async def has(self, sha: str) -> bool:
        """Return whether this commit was fetched, and mark it as used now."""
        if await self._resolve(f"{_REFS}/{sha}") != sha:
            return False
        with contextlib.suppress(OSError):
            os.utime(self._dir / _REFS / sha)
        return True

    async def prepare(self) -> None:
        """Create the cache if it does not exist, and remove lock files that a killed git left."""
        if not (self._dir / "HEAD").is_file():
            self._dir.mkdir(parents=True, exist_ok=True)
            await self._run("init", "--quiet", "--bare", str(self._dir))
        for lock in (*self._dir.glob("*.lock"), *(self._dir / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)

    async def fetch_head(self, url: str, number: int) -> GitResult:
        """Fetch the head of a pull request."""
        refspec = f"+refs/pull/{number}/head:{_HEADS}/{number}"
        return await self._git.run(self._dir, *_FETCH, "--", url, refspec, network=True)

    async def fetch_merge(self, url: str, number: int) -> GitResult:
        """Fetch the merge of a pull request that Gitee has made."""
        refspec = f"+refs/pull/{number}/MERGE:{_MERGES}/{number}"
        return await self._git.run(self._dir, *_FETCH, "--", url, refspec, network=True)

    async def merge(self, number: int) -> tuple[str, list[str]] | None:
        """Return the commit that the last `fetch_merge` fetched, and its parents; None without one."""
        sha = await self._resolve(f"{_MERGES}/{number}")
        if sha is None:
            return None
        # Not `sha^@`: a shallow cache hides the parents.
        header = (await self._run("cat-file", "commit", sha)).output.partition(b"\n\n")[0]
        lines = header.decode("utf-8", "replace").splitlines()
        return sha, [line.removeprefix("parent ") for line in lines if line.startswith("parent ")]

    async def fetch_commit(self, url: str, sha: str) -> GitResult:
        """Fetch one commit by its id. Servers may refuse that."""
        return await self._git.run(self._dir, *_FETCH, "--", url, sha, network=True)

    async def head(self, number: int) -> str | None:
        """Return the commit that the last `fetch_head` fetched."""
        return await self._resolve(f"{_HEADS}/{number}")

    async def mark_present(self, sha: str) -> bool:
        """Record a verified commit as present; False if it is not in the cache."""
        return (await self._run("update-ref", f"{_REFS}/{sha}", f"{sha}^{{commit}}")).code == 0

    async def blob(self, sha: str, path: str, limit: int) -> bytes | None:
        """Return a file, following symlinks within the commit only; None if absent or larger than `limit`.

        Raises DamagedCacheError.
        """
        arguments = ("cat-file", "--batch", "--follow-symlinks")
        async with self._git.started(self._dir, arguments, given=True) as process:
            if process.stdin is None or process.stdout is None:
                return None
            process.stdin.write(f"{sha}:{path}\n".encode())
            process.stdin.close()
            header = (await process.stdout.readline()).split()
            # `<id> blob <size>`; any other answer (missing, dangling, symlink, a folder) is not a file.
            if len(header) == 3 and header[1] == b"blob":  # noqa: PLR2004 - see above
                size = int(header[2])
                return await process.stdout.readexactly(size) if size <= limit else None
        if not header or (header[-1] == b"missing" and await self._lists(sha, path)):
            raise DamagedCacheError(path)
        return None

    async def _lists(self, sha: str, path: str) -> bool:
        """Return whether the commit contains such a file, even if its content cannot be read."""
        return b" blob " in (await self._run("ls-tree", "--full-tree", sha, "--", path)).output

    async def listing(self, sha: str, limit: int, *, sizes: bool = False) -> bytes:
        """Return what `git ls-tree -r -z` lists, up to `limit` bytes; with sizes, as with `-l`."""
        arguments = ("ls-tree", "-r", "-z", *(["-l"] if sizes else []), "--full-tree", sha)
        kept = bytearray()
        async with self._git.started(self._dir, arguments) as process:
            while process.stdout and len(kept) < limit and (chunk := await process.stdout.read(1 << 16)):
                kept += chunk
        return bytes(kept[:limit])

    async def modules(self, sha: str) -> bytes:
        """Return what `git config -z --list` finds in `.gitmodules`; empty without a valid one.

        Of a very long one, these are the first entries.
        """
        found = await self._run("config", "--blob", f"{sha}:.gitmodules", "-z", "--no-includes", "--list")
        return found.output.rpartition(b"\0")[0] if found.code == 0 else b""

    async def entries(self, tree: str, limit: int) -> list[bytes] | None:
        """Return the entries of one folder as `git ls-tree -z` lists them; None if beyond `limit` bytes."""
        kept = bytearray()
        async with self._git.started(self._dir, ("ls-tree", "-z", tree)) as process:
            while process.stdout and len(kept) <= limit and (chunk := await process.stdout.read(1 << 16)):
                kept += chunk
        return bytes(kept).split(b"\0")[:-1] if len(kept) <= limit else None

    async def tree_of(self, revision: str) -> str:
        """Return the tree of a commit or tree. Raises DamagedCacheError."""
        found = await self._run("rev-parse", "--verify", "--quiet", f"{revision}^{{tree}}")
        if found.code != 0:
            raise DamagedCacheError(revision)
        return found.output.decode().strip()

    async def make_tree(self, entries: Iterable[bytes]) -> str:
        """Create a tree of these entries and return its id. Raises DamagedCacheError."""
        given = b"".join(entry + b"\0" for entry in entries)
        return await self._made("mktree", "-z", "--missing", given=given)

    async def make_commit(self, tree: str) -> str:
        """Create a commit of a tree, present like a fetched one, and return its id; the same for each tree.

        Raises DamagedCacheError.
        """
        by = "chatops <chatops@localhost> 0 +0000"
        content = f"tree {tree}\nauthor {by}\ncommitter {by}\n\nWith the content of submodules\n"
        sha = await self._made("hash-object", "-t", "commit", "-w", "--stdin", given=content.encode())
        if not await self.mark_present(sha):
            raise DamagedCacheError(sha)
        return sha

    async def checkout(self, sha: str, kind: str) -> str | None:
        """Return the remembered commit, if it is present; mark it as used now."""
        found = await self._resolve(f"{_CHECKOUTS}/{kind}/{sha}")
        return found if found is not None and await self.has(found) else None

    async def remember_checkout(self, sha: str, kind: str, made: str) -> None:
        """Record which commit has the content of a commit and of its submodules."""
        await self._run("update-ref", f"{_CHECKOUTS}/{kind}/{sha}", made)

    async def make_blob(self, file: Path) -> str:
        """Add a file's content as it is, and return its id. Raises DamagedCacheError."""
        return await self._made("hash-object", "-w", "--no-filters", "--", str(file), given=b"")

    def lend(self, git_dir: Path) -> None:
        """Let another repository read the objects of the cache."""
        alternates = git_dir / "objects" / "info" / "alternates"
        alternates.parent.mkdir(parents=True, exist_ok=True)
        alternates.write_text(f"{(self._dir / 'objects').absolute()}\n", encoding="utf-8")

    def adopt(self, git_dir: Path) -> None:
        """Move the objects of another repository into the cache."""
        for path in (git_dir / "objects").glob("*/*"):
            target = self._dir / "objects" / path.parent.name / path.name
            if path.parent.name != "info" and not target.exists():
                target.parent.mkdir(exist_ok=True)
                path.replace(target)

    async def _made(self, *arguments: str, given: bytes) -> str:
        ended = await self._git.feed(self._dir, *arguments, given=given)
        if ended.code != 0:
            raise DamagedCacheError(ended.errors)
        return ended.output.decode().strip()

    async def is_folder(self, tree: str) -> bool:
        """Return whether this names a folder."""
        return (await self._run("cat-file", "-t", tree)).output.strip() == b"tree"

    async def archive(self, tree: str, target: Path, limit: int) -> GitResult | None:
        """Write a tree as a tar; None if it would be larger than `limit`.

        For a commit instead of its tree, git would replace `$Format:…$` in files (export-subst).
        """
        return await self._git.stream(self._dir, ("archive", "--format=tar", tree), target, limit)

    async def collect(self, before: float) -> None:
        """Remove commits that were last used `before` (seconds since 1970), and free their space."""
        refs = [path for path in (self._dir / _REFS).glob("*") if path.is_file()]
        stale = [path for path in refs if path.stat().st_mtime < before]
        if len(stale) == len(refs):
            await self.discard()
            return
        if not stale:
            return
        for path in (
            *stale,
            *(self._dir / _HEADS).glob("*"),
            *(self._dir / _MERGES).glob("*"),
            *(self._dir / _CHECKOUTS).glob("*/*"),
        ):
            path.unlink(missing_ok=True)
        await self._run("gc", "--quiet", "--prune=now")

    async def discard(self) -> None:
        """Remove the cache."""
        await asyncio.to_thread(shutil.rmtree, self._dir, ignore_errors=True)

    async def _resolve(self, ref: str) -> str | None:
        if not self._dir.is_dir():
            return None
        found = await self._run("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        return found.output.decode().strip() if found.code == 0 else None

    async def _run(self, *arguments: str) -> GitResult:
        return await self._git.run(self._dir, *arguments)
