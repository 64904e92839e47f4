"""What the bot knows of Gitee: people, repositories, pull requests, comments, as re-read from its API."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Permission(IntEnum):
    """What a person may do in a repository; ordered, so that `>=` asks “at least”."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


class PullState(StrEnum):
    """State of a pull request, in Gitee's own words."""

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

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class User:
    """An account. `login` identifies (case-insensitively); the display name is for reading."""

    login: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Tip:
    """One end of a pull request. `repo` is None when the fork has been deleted."""

    ref: str
    sha: str
    repo: RepoPath | None


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request as the API tells it at this moment."""

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
    """HTTPS address of the base repository's git service, from the API's own answer."""
    draft: bool = False
    labels: tuple[str, ...] = ()

    @property
    def from_fork(self) -> bool:
        """Whether the commits come from another repository, or from one that is gone."""
        return self.head.repo is None or str(self.head.repo).lower() != str(self.repo).lower()


@dataclass(frozen=True, slots=True)
class Listed:
    """A pull request in a list, with the times by which one knows what is new."""

    pull: PullRequest
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment under a pull request, as the API tells it at this moment."""

    id: int
    body: str
    author: str
    created_at: datetime
    updated_at: datetime
    url: str = ""
    number: int | None = None
    """The pull request it stands under, where Gitee says so."""
