"""The cache of commits: what is damaged, left over by a killed git, or unused."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.gitee.source import GitSource
from bot.model.errors import RetryLater
from bot.model.forge import RepoPath
from tests.source.upstream import REPO, Upstream, names

FILES = {"Dockerfile": b"FROM scratch\n", "src/app.py": b"print()\n"}


async def test_a_damaged_cache_is_removed_and_fetched_again(
    source: GitSource, upstream: Upstream, tmp_path: Path
) -> None:
    sha = upstream.open(FILES)
    await source.fetch(REPO, upstream.url, 7, sha)
    git_dir = tmp_path / "cache/lin/guestbook.git"
    for pack in (git_dir / "objects").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(b"rubbish")

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "Dockerfile") == b"FROM scratch\n"


@pytest.mark.parametrize("file", ["HEAD", "config"])
async def test_an_incomplete_cache_is_created_again(
    source: GitSource, upstream: Upstream, tmp_path: Path, file: str
) -> None:
    sha = upstream.open(FILES)
    await source.fetch(REPO, upstream.url, 7, sha)
    (tmp_path / "cache/lin/guestbook.git" / file).write_bytes(b"\0rubbish")

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "Dockerfile") == b"FROM scratch\n"


async def archived(source: GitSource, sha: str) -> None:
    async with source.archive(REPO, sha):
        pass


async def was_read(source: GitSource, sha: str) -> None:
    await source.read(REPO, sha, "Dockerfile")


@pytest.mark.parametrize("use", [archived, was_read])
async def test_a_missing_object_is_detected_and_fetched_again(
    source: GitSource, upstream: Upstream, tmp_path: Path, use: Callable[[GitSource, str], Awaitable[None]]
) -> None:
    sha = upstream.open(FILES)
    await source.fetch(REPO, upstream.url, 7, sha)
    blob, git_dir = upstream.git("rev-parse", f"{sha}:Dockerfile"), tmp_path / "cache/lin/guestbook.git"
    for pack in list(git_dir.glob("objects/pack/*.pack")):
        content = pack.read_bytes()
        for part in pack.parent.glob(f"{pack.stem}.*"):
            part.unlink()
        upstream.git(f"--git-dir={git_dir}", "unpack-objects", "-q", given=content)
    (git_dir / "objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(RetryLater):
        await use(source, sha)

    await source.fetch(REPO, upstream.url, 7, sha)
    assert "Dockerfile" in await names(source, sha)


@pytest.mark.parametrize("lock", ["shallow.lock", "packed-refs.lock", "refs/heads-of-pulls/7.lock"])
async def test_lock_files_of_a_killed_git_are_removed(
    source: GitSource, upstream: Upstream, tmp_path: Path, lock: str
) -> None:
    await source.fetch(REPO, upstream.url, 7, upstream.open(FILES))
    (tmp_path / "cache/lin/guestbook.git" / lock).touch()
    sha = upstream.open({"new": b"new"})

    await source.fetch(REPO, upstream.url, 7, sha)

    assert await source.read(REPO, sha, "new") == b"new"


async def test_gc_removes_commits_that_have_not_been_used(
    source: GitSource, upstream: Upstream, tmp_path: Path
) -> None:
    old = upstream.open({"old": b"old"})
    await source.fetch(REPO, upstream.url, 7, old)
    fresh = upstream.open({"fresh": b"fresh"})
    await source.fetch(REPO, upstream.url, 7, fresh)
    git_dir = tmp_path / "cache/lin/guestbook.git"
    os.utime(git_dir / "refs/chatops" / old, (0, 0))

    await source.gc(timedelta(days=1))

    assert await source.read(REPO, old, "old") is None
    assert await source.read(REPO, fresh, "fresh") == b"fresh"
    assert not list(git_dir.rglob(f"objects/{old[:2]}/{old[2:]}"))
    newer = upstream.open({"newer": b"newer"})
    await source.fetch(REPO, upstream.url, 7, newer)
    assert await source.read(REPO, newer, "newer") == b"newer"


async def test_gc_removes_unused_caches_and_scratch_folders(
    source: GitSource, upstream: Upstream, tmp_path: Path
) -> None:
    sha = upstream.open(FILES)
    await source.fetch(REPO, upstream.url, 7, sha)
    left_behind = tmp_path / "cache/.scratch/left.tar"
    left_behind.touch()
    unfinished = tmp_path / "cache/.scratch/left.git"
    (unfinished / "objects").mkdir(parents=True)
    for path in (left_behind, unfinished, tmp_path / "cache/lin/guestbook.git/refs/chatops" / sha):
        os.utime(path, (0, 0))

    await source.gc(timedelta(days=1))

    assert not left_behind.exists()
    assert not unfinished.exists()
    assert not (tmp_path / "cache/lin/guestbook.git").exists()


@pytest.mark.attack
@pytest.mark.parametrize("account", ["scratch", "home"])
async def test_gc_tells_accounts_from_the_caches_own_folders(
    source: GitSource, upstream: Upstream, tmp_path: Path, account: str
) -> None:
    repo = RepoPath(account, "guestbook")
    sha = upstream.open(FILES)
    await source.fetch(repo, upstream.url, 7, sha)
    os.utime(tmp_path / "cache" / account / "guestbook.git", (0, 0))

    await source.gc(timedelta(days=1))

    assert await source.read(repo, sha, "src/app.py") == FILES["src/app.py"]


async def test_gc_leaves_what_is_being_fetched(source: GitSource, tmp_path: Path) -> None:
    fetching = tmp_path / "cache/.scratch/now.git"
    (fetching / "objects").mkdir(parents=True)

    await source.gc(timedelta(days=1))

    assert fetching.exists()
