"""Gitee and the code that it keeps."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model.forge import Comment, Listed, Permission, PullRequest, RepoPath, User


class Forge(Protocol):
    """Gitee, as far as the bot needs it. Facts are read afresh at every call."""

    async def whoami(self) -> User:
        """Return the bot's own account."""
        ...

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest | None:
        """Return the pull request, or None if there is none or it cannot be seen."""
        ...

    async def pulls_updated(self, repo: RepoPath, since: datetime, limit: int) -> tuple[Listed, ...]:
        """Return pull requests in any state that changed since then, the latest change last.

        At most `limit`; none if there is no such repository, or it cannot be seen.
        """
        ...

    async def open_pulls(self, repo: RepoPath, limit: int) -> tuple[Listed, ...]:
        """Return open pull requests, the newest first; at most `limit`, and none as above."""
        ...

    async def comments_since(self, repo: RepoPath, number: int, since: datetime) -> tuple[Comment, ...]:
        """Return comments that were written since then, oldest first."""
        ...

    async def changed_files(self, repo: RepoPath, number: int) -> tuple[str, ...]:
        """Return paths that the pull request changes (Gitee tells at most 300)."""
        ...

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        """Return what this person may do there."""
        ...

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        """Return a file's content at a ref, or None if it is absent."""
        ...

    async def comment(self, repo: RepoPath, comment_id: int) -> Comment | None:
        """Return one comment, or None if it is gone."""
        ...

    async def find_comment(self, repo: RepoPath, number: int, marker: str, author: str) -> Comment | None:
        """Return the newest comment by `author` whose body contains `marker`."""
        ...

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        """Post a comment and return its id."""
        ...

    async def edit_comment(self, repo: RepoPath, comment_id: int, body: str) -> bool:
        """Replace a comment's body; False if the comment is gone."""
        ...


class Source(Protocol):
    """The code of pull requests, out of a hardened shallow cache."""

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        """Bring exactly this commit into the cache.

        Raises TellUser(HEAD_MOVED | COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        """Bring a commit of a base branch into the cache.

        Raises TellUser(COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        """Return one file of a fetched commit, or None if there is none, or it is larger than `limit`."""
        ...

    def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AbstractAsyncContextManager[Path]:
        """Give a tar of a fetched commit's folder, removed again on leaving."""
        ...

    async def gc(self) -> None:
        """Forget commits that were not used for long, and give their space back."""
        ...
