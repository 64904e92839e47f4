"""A webhook delivery as it is stored: a hint at what to read from Gitee, never a fact to act on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.forge import RepoPath


class Trigger(StrEnum):
    """What happened under a pull request."""

    OPEN = "open"
    UPDATE = "update"
    CLOSE = "close"
    MERGE = "merge"
    REOPEN = "reopen"
    COMMENT = "comment"
    REVOCATION = "withdrawal"  # the word in stored deliveries and in the API
    """A comment was deleted or edited, which may have approved a commit."""
    EXPIRE = "expire"
    """An environment expired; the only trigger without a delivery."""


class DeliveryState(StrEnum):
    """State of a delivery between its arrival and its decision."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class GivenUpDelivery:
    """A delivery that could not be decided."""

    repo: RepoPath
    number: int
    trigger: Trigger
    at: datetime
    ending: str
    """The error, for operators; it begins with its reason."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that may lead to a decision.

    `key` is the hash of the event's own fields (Gitee sends no delivery id), so that the same
    event sent twice, or by two hooks, has one key. `head_sha` is the commit that the sender saw,
    `body_digest` the SHA-256 of the comment that was sent; both are only ever used to refuse.
    """

    key: str
    trigger: Trigger
    repo: RepoPath
    number: int
    received_at: datetime
    comment_id: int | None = None
    head_sha: str | None = None
    body_digest: str | None = None
    sender: str = ""
    moved: bool = False
    """Whether the branch of the pull request moved, as far as the sender says."""
    found: bool = False
    """Whether the sweep created it, for a webhook that was lost."""
