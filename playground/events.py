"""What happened, as values: the reasons for webhooks.

Apart so that actions and deliveries ignore each other.
"""

from dataclasses import dataclass
from typing import Literal

from playground.state import Comment, Pull, Repository, User

PullAction = Literal["open", "update", "close", "merge", "reopen", "assign", "test", "tested", "approved"]
NoteAction = Literal["comment", "edited", "deleted"]


@dataclass(frozen=True, slots=True)
class PullEvent:
    """A pull request changed; becomes a Merge Request Hook."""

    pull: Pull
    actor: User
    action: PullAction
    action_desc: str | None

    @property
    def repository(self) -> Repository:
        """The repository whose hooks hear of it."""
        return self.pull.repository


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A comment was written, edited or deleted; becomes a Note Hook."""

    comment: Comment
    actor: User
    action: NoteAction

    @property
    def repository(self) -> Repository:
        """The repository whose hooks hear of it."""
        return self.comment.pull.repository


@dataclass(frozen=True, slots=True)
class PushedCommit:
    """One commit of a push with the paths it touched; times are ISO 8601."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    time: str
    message: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PushEvent:
    """A branch moved; becomes a Push Hook. `before` or `after` is 40 zeros when it was created or deleted."""

    repository: Repository
    actor: User
    ref: str
    before: str
    after: str
    commits: tuple[PushedCommit, ...] = ()


Event = PullEvent | NoteEvent | PushEvent


def pull_opened(pull: Pull) -> list[Event]:
    """Announce a new pull request three times at once, as Gitee does."""
    return [PullEvent(pull, pull.author, "open", desc) for desc in ("open", "test", "assign")]
