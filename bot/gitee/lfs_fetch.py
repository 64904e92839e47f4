"""Puts the content of files in Git LFS into the tree of a fetched commit, in its cache.

It comes from the LFS server of the repository itself, at the configured Gitee; `.lfsconfig` is not read. What
git tracks in LFS, git says by the attributes of the commit.
"""

import asyncio
import hashlib
import itertools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import SplitResult

import httpx

from bot.gitee import lfs
from bot.gitee.cache import Cache
from bot.gitee.git import OUTPUT_LIMIT, Git
from bot.gitee.grafting import grafted
from bot.gitee.lfs import Content, Download, SmallFile
from bot.model.errors import RetryLater
from bot.model.forge import Obstacle, RepoPath
from bot.model.reason import Reason

LARGEST_LISTING = 32 << 20
LARGEST_ATTRIBUTES = 64 << 10
LARGEST_ANSWER = 4 << 20
AT_ONCE = 100
"""Contents in one request."""
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
JSON = "application/vnd.git-lfs+json"


@dataclass(slots=True)
class LfsFetch:
    """Fetches the LFS files of one commit; `token` is the bot's, and is sent to `origin` only."""

    cache: Cache
    git: Git
    origin: SplitResult
    token: str
    scratch: Path
    limit: int
    """Most bytes of all files together."""
    missing: dict[str, Obstacle] = field(default_factory=dict)
    """What was not fetched, by path."""

    async def tree(self, repo: RepoPath, sha: str, tree: str) -> str:
        """Return `tree`, which is made from the commit, with the content of its LFS files.

        Raises RetryLater(GIT_UNAVAILABLE), TellUser(SOURCE_TOO_LARGE), DamagedCacheError.
        """
        pointers = await self._pointers(sha) if await self._uses_lfs(sha) else {}
        if not pointers:
            return tree
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.scratch))
        try:
            blobs = await self._fetch(repo, self._affordable(pointers), folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        found = {
            file.path: file.mode + b" blob " + blobs[content].encode()
            for file, content in pointers.items()
            if content in blobs
        }
        return await grafted(self.cache, tree, found) if found else tree

    async def _uses_lfs(self, sha: str) -> bool:
        listing = await self.cache.listing(sha, LARGEST_LISTING)
        for path in await asyncio.to_thread(lfs.attribute_files, listing):
            if b"lfs" in (await self.cache.blob(sha, path, LARGEST_ATTRIBUTES) or b""):
                return True
        return False

    async def _pointers(self, sha: str) -> dict[SmallFile, Content]:
        """Return the files that are in LFS, by what git says of their attributes."""
        listing = await self.cache.listing(sha, LARGEST_LISTING, sizes=True)
        small = await asyncio.to_thread(
            lambda: list(itertools.islice(lfs.small_files(listing), lfs.MOST_CANDIDATES))
        )
        found: dict[SmallFile, Content] = {}
        for file in await self._tracked(sha, small):
            if not file.name.isprintable():
                shown = "".join(one if one.isprintable() else "?" for one in file.name)
                self.missing[shown] = Obstacle.REFUSED
                continue
            content = lfs.pointer(await self.cache.blob(sha, file.name, lfs.LARGEST_POINTER))
            if content is not None and len(found) < lfs.MOST:
                found[file] = content
            elif content is not None:
                self.missing[file.name] = Obstacle.TOO_MANY_FILES
        return found

    async def _tracked(self, sha: str, files: Sequence[SmallFile]) -> list[SmallFile]:
        """Return those whose `filter` is LFS. An index of their own needs a repository of its own."""
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, suffix=".git", dir=self.scratch))
        try:
            await self.git.run(folder, "init", "--quiet", "--bare", str(folder))
            self.cache.lend(folder)
            await self.git.run(folder, "read-tree", sha)
            tracked: set[bytes] = set()
            for group in lfs.batches(files, OUTPUT_LIMIT):
                given = b"".join(file.path + b"\0" for file in group)
                asked = ("check-attr", "--cached", "--stdin", "-z", "filter")
                tracked |= lfs.tracked((await self.git.feed(folder, *asked, given=given)).output)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return [file for file in files if file.path in tracked]

    def _affordable(self, pointers: Mapping[SmallFile, Content]) -> dict[Content, list[SmallFile]]:
        """Return the files by content, without those that exceed the limit; the smallest come first."""
        files: dict[Content, list[SmallFile]] = {}
        for file, content in pointers.items():
            files.setdefault(content, []).append(file)
        left = self.limit
        for content in sorted(files, key=lambda one: one.size):
            left -= content.size
            if left < 0:
                self._lack(files.pop(content), Obstacle.TOO_LARGE)
        return files

    def _lack(self, files: Sequence[SmallFile], obstacle: Obstacle) -> None:
        self.missing |= dict.fromkeys((file.name for file in files), obstacle)

    async def _fetch(
        self, repo: RepoPath, wanted: Mapping[Content, list[SmallFile]], folder: Path
    ) -> dict[Content, str]:
        """Download contents, and return the blobs that they are in the cache."""
        found: dict[Content, str] = {}
        auth = httpx.BasicAuth("oauth2", self.token) if self.token else None
        contents = list(wanted)
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, auth=auth, follow_redirects=False) as client:
                for first in range(0, len(contents), AT_ONCE):
                    places = await self._places(client, repo, contents[first : first + AT_ONCE])
                    for content, place in places.items():
                        blob = await self._blob(client, content, place, folder / content.oid)
                        if isinstance(blob, Obstacle):
                            self._lack(wanted[content], blob)
                        else:
                            found[content] = blob
        except httpx.HTTPError as error:
            message = str(error) or type(error).__name__
            raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": f"Git LFS: {message}"}) from error
        return found

    async def _places(
        self, client: httpx.AsyncClient, repo: RepoPath, contents: Sequence[Content]
    ) -> Mapping[Content, Download | Obstacle]:
        url = f"{self.origin.scheme}://{self.origin.netloc}/{repo}.git/info/lfs/objects/batch"
        headers = {"Accept": JSON, "Content-Type": JSON}
        async with client.stream("POST", url, json=lfs.request(contents), headers=headers) as answer:
            _check_available(answer)
            if answer.status_code != HTTPStatus.OK:
                return dict.fromkeys(contents, Obstacle.NO_LFS)
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk[: LARGEST_ANSWER - len(body)]
        return lfs.offered(bytes(body), contents, self.origin)

    async def _blob(
        self, client: httpx.AsyncClient, content: Content, place: Download | Obstacle, file: Path
    ) -> str | Obstacle:
        if isinstance(place, Obstacle):
            return place
        headers = {**place.headers, "Accept-Encoding": "identity"}  # The hash is that of the bytes as sent.
        async with client.stream("GET", place.url, headers=headers) as answer:
            _check_available(answer)
            if answer.status_code != HTTPStatus.OK:
                return Obstacle.NO_CONTENT
            with file.open("wb") as opened:
                whole = await _saved(answer, opened, content)
        blob = await self.cache.make_blob(file) if whole else Obstacle.REFUSED
        file.unlink()  # noqa: ASYNC240 - one system call
        return blob


def _check_available(answer: httpx.Response) -> None:
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and answer.status_code != (
        HTTPStatus.NOT_IMPLEMENTED
    ):
        raise RetryLater(Reason.GIT_UNAVAILABLE, {"message": f"Git LFS: HTTP {answer.status_code}"})


async def _saved(answer: httpx.Response, file: IO[bytes], content: Content) -> bool:
    """Write a download to a file; False if it is not the content."""
    digest, size = hashlib.sha256(), 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > content.size:
            return False
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest() == content.oid
