"""Events on the forge, each of which becomes a webhook.

Actions create them and webhooks deliver them; neither depends on the other.
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
        """The repository whose webhooks receive the event."""
        return self.pull.repository


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A comment was written, edited or deleted; becomes a Note Hook."""

    comment: Comment
    actor: User
    action: NoteAction

    @property
    def repository(self) -> Repository:
        """The repository whose webhooks receive the event."""
        return self.comment.pull.repository


@dataclass(frozen=True, slots=True)
class PushedCommit:
    """A commit of a push with the paths that it changed. `time` is in ISO 8601."""

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
    """A branch moved; becomes a Push Hook. Of a new branch `before`, of a deleted one `after` is 40 zeros."""

    repository: Repository
    actor: User
    ref: str
    before: str
    after: str
    commits: tuple[PushedCommit, ...] = ()


Event = PullEvent | NoteEvent | PushEvent


def pull_opened(pull: Pull) -> list[Event]:
    """Return the three events with which Gitee reports a new pull request."""
    return [PullEvent(pull, pull.author, "open", desc) for desc in ("open", "test", "assign")]
