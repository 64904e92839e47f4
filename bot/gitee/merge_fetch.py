"""Fetches the merge of a pull request that Gitee has made, and finds out why there is none."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bot.gitee.cache import Cache
from bot.gitee.git import Git
from bot.gitee.git_failures import FetchFailure, conclusion, failure_of
from bot.model.errors import RetryLater, TellUser
from bot.model.forge import Merge
from bot.model.reason import Reason

PARENTS = 2
DEPTHS = (50, 1000, 10_000)
"""Commits of history that are fetched to find where the branches have parted, until that succeeds."""
SHOWN = 10
"""Most files of a conflict that are named."""
_CONFLICT = 1
"""Exit code of `git merge-tree` after a conflict."""


@dataclass(frozen=True, slots=True)
class MergeFetch:
    """Fetches one merge into the cache of its repository."""

    cache: Cache
    git: Git
    scratch: Path
    url: str
    number: int

    async def fetch(self, head: str, base: str) -> Merge | None:
        """Return Gitee's merge of this head into the base branch, which the caller marks as present.

        None if the head of the pull request is another one by now. `base` is the latest commit of the base
        branch. Raises TellUser(MERGE_CONFLICT), RetryLater(GIT_UNAVAILABLE).
        """
        ended = await self.cache.fetch_merge(self.url, self.number)
        failure = failure_of(ended)
        if failure not in {None, FetchFailure.MISSING}:
            raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": conclusion(ended.errors)})
        found = await self.cache.merge(self.number) if failure is None else None
        if found is not None:
            sha, parents = found
            if len(parents) == PARENTS and parents[1] == head:
                return Merge(sha, parents[0], base)
        await self._explain(head, base)
        return None

    async def _explain(self, head: str, base: str) -> None:
        """Raise why Gitee has no merge of this head; return if the pull request has another head."""
        ended = await self.cache.fetch_head(self.url, self.number)
        if failure_of(ended) is None and await self.cache.head(self.number) != head:
            return
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.scratch))
        try:
            files = await self._conflicts(folder, head, base)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        if files:
            facts = {"sha": head, "onto": base, "paths": ", ".join(files[:SHOWN])}
            raise TellUser(Reason.MERGE_CONFLICT, facts)
        raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": f"no merge of {head[:8]} yet"})

    async def _conflicts(self, folder: Path, head: str, base: str) -> list[str]:
        """Return the files in which both branches conflict; none if they do not, or if nobody can tell."""
        await self.git.run(folder, "init", "--quiet", "--bare", str(folder))
        for depth in DEPTHS:
            fetched = ("fetch", "--quiet", f"--depth={depth}", "--no-tags", "--no-recurse-submodules")
            ended = await self.git.run(folder, *fetched, "--", self.url, head, base, network=True)
            if failure_of(ended) is not None:
                raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": conclusion(ended.errors)})
            if (await self.git.run(folder, "merge-base", base, head)).code == 0:
                break
        merging = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
        ended = await self.git.run(folder, *merging)
        if ended.code != _CONFLICT:
            return []
        # The first entry is the tree; the last may be incomplete.
        names = ended.output.split(b"\0")[1:-1]
        return sorted({name.decode("utf-8", "replace") for name in names if name})
