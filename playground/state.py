"""The state of the offline Gitee: users, repositories, pull requests, comments and webhooks. No I/O.

Facts from git, such as the number of commits, are stored here too, so that bodies of webhooks and API
responses are pure functions of this state.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

CHINA = timezone(timedelta(hours=8))
"""The offset of all times on Gitee."""

Permission = Literal["admin", "write", "read"]
HookMode = Literal["password", "sign"]
PullState = Literal["open", "closed", "merged"]
RANK: dict[str | None, int] = {None: 0, "read": 1, "write": 2, "admin": 3}


def now() -> datetime:
    """Return the current time with Gitee's offset."""
    return datetime.now(CHINA)


@dataclass(slots=True, eq=False)
class User:
    """A person or a bot. `login` is the name in URLs, `name` the display name."""

    id: int
    login: str
    name: str
    token: str
    created_at: datetime

    @property
    def email(self) -> str:
        """An address at a domain that does not exist."""
        return f"{self.login}@noreply.example"


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of a comment's text."""

    body: str
    by: str
    at: datetime


@dataclass(slots=True, eq=False)
class Comment:
    """A comment on a pull request, with all versions of its text, the current one last."""

    id: int
    author: User
    created_at: datetime
    history: list[Revision]
    pull: "Pull"
    path: str | None = None
    position: str | None = None
    commit_id: str | None = None
    deleted: bool = False

    @property
    def body(self) -> str:
        """The current text."""
        return self.history[-1].body

    @property
    def updated_at(self) -> datetime:
        """When the current text was written."""
        return self.history[-1].at

    @property
    def edited(self) -> bool:
        """Whether the text was changed."""
        return len(self.history) > 1


@dataclass(slots=True, eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PullFacts:
    """Facts from git about a pull request at its current head and base.

    `merge_commit_sha` is the commit of `refs/pull/N/MERGE`; `mergeable` is False if there are conflicts.
    """

    commits: int = 0
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0
    mergeable: bool = True
    merge_commit_sha: str | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event of a pull request, with its head commit at that time."""

    action: str
    desc: str | None
    by: User
    at: datetime
    sha: str


@dataclass(slots=True, eq=False)
class Pull:
    """A pull request. `number` is unique in its repository; a deleted fork makes `head_repository` None."""

    id: int
    number: int
    repository: "Repository"
    head_repository: "Repository | None"
    head_branch: str
    head_sha: str
    base_branch: str
    base_sha: str
    author: User
    title: str
    body: str
    created_at: datetime
    updated_at: datetime
    updated_by: User
    from_fork: bool = False
    draft: bool = False
    state: PullState = "open"
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    facts: PullFacts = field(default_factory=PullFacts)
    comments: list[Comment] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    stale_labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    testers: list[User] = field(default_factory=list)
    reviewed_by: set[str] = field(default_factory=set)
    tested_by: set[str] = field(default_factory=set)

    def touch(self, by: User) -> None:
        """Record time and user of the last change."""
        self.updated_at = now()
        self.updated_by = by

    @property
    def visible_comments(self) -> list[Comment]:
        """Its comments without the deleted ones, oldest first."""
        return [comment for comment in self.comments if not comment.deleted]


@dataclass(slots=True, eq=False)
class Hook:
    """A webhook of a repository, with the result of its last delivery."""

    id: int
    url: str
    secret: str
    mode: HookMode
    created_at: datetime
    push_events: bool = False
    tag_push_events: bool = False
    issues_events: bool = False
    note_events: bool = True
    merge_requests_events: bool = True
    result: str = ""
    result_code: int | None = None


@dataclass(slots=True, eq=False)
class CheckRun:
    """A check of a commit, optionally of a pull request, by its global id."""

    id: int
    name: str
    head_sha: str
    pull_request_id: int | None
    status: str
    conclusion: str | None
    details_url: str | None
    started_at: str | None
    completed_at: str | None
    output: dict[str, object]


@dataclass(slots=True, eq=False)
class Repository:
    """A repository. `owner` is the login of a user or the path of an organization."""

    id: int
    owner: str
    path: str
    name: str
    private: bool
    default_branch: str
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    parent: "Repository | None" = None
    description: str = ""
    members: dict[str, Permission] = field(default_factory=dict)
    """Permissions by login."""
    protected: set[str] = field(default_factory=set)
    """Branches that only administrators may push to."""
    reviewers: list[User] = field(default_factory=list)
    testers: list[User] = field(default_factory=list)
    pulls: dict[int, Pull] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    labels: dict[str, Label] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`owner/path`, as in URLs."""
        return f"{self.owner}/{self.path}"


class Ids:
    """Generates ids. Each kind has its own range, so that mixed-up ids are noticed."""

    _starts: dict[str, int] = {  # noqa: RUF012 - never changed
        "user": 1_500_001,
        "repository": 14_800_001,
        "pull": 4_700_001,
        "comment": 6_900_001,
        "hook": 788_001,
        "label": 27_000_001,
        "check_run": 23_000_001,
        "delivery": 1,
    }

    def __init__(self) -> None:
        self._counters: dict[str, Iterator[int]] = {
            kind: itertools.count(start) for kind, start in self._starts.items()
        }

    def next(self, kind: str) -> int:
        """Return the next id of this kind."""
        return next(self._counters[kind])


class World:
    """All state: users by lowercase login, repositories by lowercase full name."""

    def __init__(self) -> None:
        self.ids = Ids()
        self.users: dict[str, User] = {}
        self.repositories: dict[str, Repository] = {}

    def user(self, login: str) -> User | None:
        """Return the user with this login, ignoring case."""
        return self.users.get(login.lower())

    def user_of_token(self, token: str) -> User | None:
        """Return the user with this access token."""
        return next((user for user in self.users.values() if user.token == token), None)

    def repository(self, full_name: str) -> Repository | None:
        """Return the repository `owner/path`, ignoring case."""
        return self.repositories.get(full_name.lower())

    def comment(self, repository: Repository, comment_id: int) -> Comment | None:
        """Return a comment on any pull request of the repository, unless it is deleted."""
        return next(
            (
                comment
                for pull in repository.pulls.values()
                for comment in pull.visible_comments
                if comment.id == comment_id
            ),
            None,
        )

    def owner(self, repository: Repository) -> User | None:
        """Return the owner of a repository; for an organization, its first administrator."""
        personal = self.user(repository.owner)
        if personal is not None:
            return personal
        admins = (login for login, given in repository.members.items() if given == "admin")
        return next((user for login in admins if (user := self.user(login))), None)

    def permission(self, repository: Repository, user: User | None) -> Permission | None:
        """Return the user's permission in the repository; None for others, even if they may read it."""
        if user is None:
            return None
        if user.login.lower() == repository.owner.lower():
            return "admin"
        members = {login.lower(): given for login, given in repository.members.items()}
        return members.get(user.login.lower())

    def may(self, user: User | None, needed: Permission, repository: Repository) -> bool:
        """Whether the user has at least this permission. All may read public repositories."""
        if needed == "read" and not repository.private:
            return True
        return RANK[self.permission(repository, user)] >= RANK[needed]
