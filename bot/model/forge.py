"""Gitee's people, repositories, pull requests and comments, as read from its API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Permission(IntEnum):
    """What a person may do in a repository; ordered, so that `>=` means “at least”."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class PullState(StrEnum):
    """State of a pull request, in Gitee's terms."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, order=True)
class RepoPath:
    """A repository by its path (`path_with_namespace`), never by its display name."""

    owner: str
    name: str

    @classmethod
    def parse(cls, path: str) -> "RepoPath":
        """Split `owner/name`; raise ValueError for anything else."""
        owner, _, name = path.partition("/")
        if not owner or not name or "/" in name:
            raise ValueError(f"not a repository path: {path!r}")
        return cls(owner, name)

    def same_as(self, other: "RepoPath") -> bool:
        """Return whether both are one repository; Gitee's paths ignore case."""
        return str(self).casefold() == str(other).casefold()

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class User:
    """An account. `login` identifies it (case-insensitively); `name` is only for display."""

    login: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tip:
    """One end of a pull request. `repo` is None when the fork has been deleted."""

    ref: str
    sha: str
    repo: RepoPath | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch as the API returned it just now."""

    sha: str
    """Its latest commit. A tag may have the branch's name, but not this one."""
    protected: bool
    """Whether only some people may push to it, as its administrators decided."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the API returned it just now."""

    repo: RepoPath
    number: int
    id: int
    title: str
    state: PullState
    author: str
    head: Tip
    base: Tip
    url: str
    clone_url: str
    """HTTPS address for cloning the base repository, from the API's response."""
    draft: bool = False
    labels: tuple[str, ...] = ()
    updated_at: datetime | None = None
    """When it changed last, by Gitee's clock; comments may count."""

    @property
    def changes_url(self) -> str:
        """Address of exactly these changes at Gitee, whatever is pushed later; empty if unknown."""
        repository, found, _ = self.url.rpartition("/pulls/")
        return f"{repository}/compare/{self.base.sha}...{self.head.sha}" if found else ""

    @property
    def from_fork(self) -> bool:
        """Whether the commits come from another repository, or from one that has been deleted."""
        return self.head.repo is None or not self.head.repo.same_as(self.repo)


@dataclass(frozen=True, slots=True)
class Merge:
    """What Gitee has made of a pull request's head and its base branch, as `refs/pull/N/MERGE`."""

    sha: str
    base: str
    """The commit of the base branch."""
    expected: str = ""
    """The latest commit of the base branch when the merge was asked for, as Gitee's API said."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The paths in a commit, as many as were read."""

    files: tuple[str, ...] = ()
    """Files, without links."""
    submodules: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    """Symbolic links."""
    executable: frozenset[str] = frozenset()
    """Those of the files that can be executed."""


class Obstacle(StrEnum):
    """Why a submodule or the content of a file in Git LFS is not in a build; what to fix first is first."""

    NO_ADDRESS = "no_address"
    """`.gitmodules` has no address for it."""
    ELSEWHERE = "elsewhere"
    """Its address is not one of a repository of the configured Gitee."""
    NOT_SERVED = "not_served"
    """The operator does not allow its repository."""
    NOT_PUBLIC = "not_public"
    """Its repository cannot be read without an account, and the commit that names it is not trusted."""
    NOT_READABLE = "not_readable"
    """Its repository cannot be read with the bot's account."""
    NO_COMMIT = "no_commit"
    """Its repository does not have the commit."""
    REFUSED = "refused"
    """Git refuses the content, or a redirection to another address."""
    TOO_MANY = "too_many"
    """There are too many submodules, or they are nested too deeply."""
    NO_LFS = "no_lfs"
    """Gitee does not serve the LFS files of the repository to the bot."""
    NO_CONTENT = "no_content"
    """Gitee does not have the content of the file in Git LFS."""
    CONTENT_ELSEWHERE = "content_elsewhere"
    """Gitee offers the content of the file in Git LFS at another host."""
    TOO_LARGE = "too_large"
    """The files in Git LFS are too large."""
    TOO_MANY_FILES = "too_many_files"
    """There are too many files in Git LFS."""
    IN_LFS = "in_lfs"
    """It is in Git LFS, such as a file of a submodule."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit with the content of its submodules."""

    sha: str
    """Commit by which the cache finds it: the fetched one, or one that the bot made and nobody else has."""
    missing: Mapping[str, Obstacle] = field(default_factory=dict)
    """What could not be fetched, by path."""
    merge: Merge | None = None
    """The merge that it is, if it is not the head of the pull request."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A pull request in a list, with its times."""

    pull: PullRequest
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull request as the API returned it just now."""

    id: int
    body: str
    author: str
    created_at: datetime
    updated_at: datetime
    url: str = ""
    repo: RepoPath | None = None
    """Repository of its pull request, if Gitee reports it."""
    number: int | None = None
    """Number of its pull request, if Gitee reports it."""
