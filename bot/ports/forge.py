"""Gitee: its API, and the code in its repositories."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.model.forge import (
    Branch,
    Checkout,
    Comment,
    Listed,
    Merge,
    Permission,
    PullRequest,
    RepoPath,
    Tree,
    User,
)


class Forge(Protocol):
    """The part of Gitee's API that the bot needs. Every call reads the present state."""

    async def whoami(self) -> User:
        """Return the bot's own account."""
        ...

    async def ping(self) -> None:
        """Raise what `whoami` raises, after a single attempt."""
        ...

    async def pull_request(self, repo: RepoPath, number: int) -> PullRequest | None:
        """Return the pull request, None if it does not exist or is not visible to the bot."""
        ...

    async def pulls_updated(self, repo: RepoPath, since: datetime, limit: int) -> tuple[Listed, ...]:
        """Return at most `limit` pull requests in any state that changed since then, the latest change last.

        Empty if the repository does not exist or is not visible to the bot.
        """
        ...

    async def open_pulls(self, repo: RepoPath, limit: int) -> tuple[Listed, ...]:
        """Return at most `limit` open pull requests, newest first; empty as with `pulls_updated`."""
        ...

    async def comments_since(self, repo: RepoPath, number: int, since: datetime) -> tuple[Comment, ...]:
        """Return comments that were written since then, oldest first."""
        ...

    async def changed_files(self, repo: RepoPath, number: int) -> tuple[str, ...]:
        """Return paths of files that the pull request changes; Gitee lists at most 300."""
        ...

    async def changed_between(self, repo: RepoPath, before: str, after: str) -> tuple[str, ...] | None:
        """Return paths that differ between a commit and a later one that contains it.

        None if the later one does not contain it, or if Gitee does not list all paths.
        """
        ...

    async def commit_message(self, repo: RepoPath, sha: str) -> str:
        """Return the message of a commit, empty if there is no such commit, or it is too long to read."""
        ...

    async def permission(self, repo: RepoPath, login: str) -> Permission:
        """Return the permission of a user in a repository."""
        ...

    async def pushers(self, repo: RepoPath) -> frozenset[str] | None:
        """Return the logins of those who may push to a repository, None if the bot may not see them.

        The owner of a personal namespace may be missing.
        """
        ...

    async def collaborators(self, repo: RepoPath) -> Mapping[str, Permission]:
        """Return the first hundred people in a repository's list and what they may do there, in one call."""
        ...

    async def default_branch(self, repo: RepoPath) -> str:
        """Return a repository's default branch, empty if the repository is not visible to the bot."""
        ...

    async def branch(self, repo: RepoPath, name: str) -> Branch | None:
        """Return a branch, None if there is none of this name."""
        ...

    async def file(self, repo: RepoPath, path: str, ref: str) -> bytes | None:
        """Return a file's content at a ref, None if there is no such file."""
        ...

    async def root_files(self, repo: RepoPath, ref: str) -> tuple[str, ...]:
        """Return the names of the files in the root at a ref; none if the list is too long to read."""
        ...

    async def comment(self, repo: RepoPath, comment_id: int) -> Comment | None:
        """Return a comment, None if it was deleted."""
        ...

    async def find_comment(
        self, repo: RepoPath, number: int, is_it: Callable[[str], bool], author: str
    ) -> Comment | None:
        """Return the newest comment by `author` whose body `is_it` accepts."""
        ...

    async def post_comment(self, repo: RepoPath, number: int, body: str) -> int:
        """Post a comment and return its id. After AnswerLost it may appear later."""
        ...

    async def delete_comment(self, repo: RepoPath, comment_id: int) -> None:
        """Delete a comment, if it still exists. Raises GiveUp(GITEE_DENIED) if the bot may not."""
        ...

    async def edit_comment(self, repo: RepoPath, comment_id: int, body: str) -> bool:
        """Replace a comment's body. Returns False if the comment was deleted.

        After AnswerLost the body may be replaced later, even after a later edit.
        """
        ...


class Source(Protocol):
    """The code of pull requests, from a hardened cache of shallow clones."""

    async def fetch(self, repo: RepoPath, clone_url: str, number: int, sha: str) -> None:
        """Fetch exactly this commit into the cache.

        Raises TellUser(HEAD_MOVED | COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def fetch_base(self, repo: RepoPath, clone_url: str, sha: str) -> None:
        """Fetch a commit of a base branch into the cache.

        Raises TellUser(COMMIT_GONE), RetryLater(GIT_UNAVAILABLE), GiveUp(GIT_DENIED).
        """
        ...

    async def fetch_merge(self, repo: RepoPath, clone_url: str, number: int, sha: str, base: str) -> Merge:
        """Fetch Gitee's merge of exactly this head of a pull request into its base branch.

        `base` is the latest commit of the base branch. Raises TellUser(MERGE_CONFLICT), and what `fetch`
        raises: RetryLater also while Gitee has no merge of this head yet.
        """
        ...

    async def checkout(self, repo: RepoPath, sha: str, *, trusted: bool) -> Checkout:
        """Fetch what a fetched commit refers to but does not contain: submodules, and files in Git LFS.

        Only for a trusted commit the bot's account is used for other repositories.
        Raises TellUser(SOURCE_TOO_LARGE), RetryLater(GIT_UNAVAILABLE).
        """
        ...

    async def read(self, repo: RepoPath, sha: str, path: str, limit: int = 1 << 20) -> bytes | None:
        """Return a file of a fetched commit, None if there is none or it is larger than `limit` bytes."""
        ...

    async def tree(self, repo: RepoPath, sha: str) -> Tree:
        """Return the paths in a fetched commit; of a very large one only the first."""
        ...

    async def listing(self, repo: RepoPath, sha: str, limit: int) -> bytes | None:
        """Return what `git ls-tree -r -z` lists of a fetched commit, None if it has more than `limit` bytes.

        Raises RetryLater(GIT_UNAVAILABLE).
        """
        ...

    def archive(self, repo: RepoPath, sha: str, folder: str = ".") -> AbstractAsyncContextManager[Path]:
        """Provide a tar of a fetched commit's folder, which is deleted on exit."""
        ...

    async def gc(self) -> None:
        """Delete commits that were not used for long."""
        ...
