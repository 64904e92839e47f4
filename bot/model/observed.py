"""The observed state of a pull request; a difference from Gitee means that a webhook was lost."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.model.forge import PullState


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A pull request's state when an event of it was last decided, or when the bot first saw it.

    An empty `head` means that only comments of it have been decided.
    """

    at: datetime
    head: str = ""
    state: PullState | None = None
    comment: int = 0
    """Id of the newest decided comment with commands; commands in older comments are not executed."""

    def then(self, later: "ObservedState") -> "ObservedState":
        """Return the state after a later decision, which observed either an event or a comment."""
        newest = max(self.comment, later.comment)
        return replace(later if later.head else self, comment=newest)


@dataclass(frozen=True, slots=True)
class RepositoryCursor:
    """Since when the bot serves a repository, and up to which change it is reconciled."""

    since: datetime
    seen_until: datetime
    """Time of the change, by Gitee's clock."""
