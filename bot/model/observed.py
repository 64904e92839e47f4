"""What was last decided about a pull request: what differs from it is what nobody told the bot."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.model.forge import PullState


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A pull request as it stood when an event of it was last decided, or when it was first seen.

    An empty `head` means that only comments of it were decided so far.
    """

    at: datetime
    head: str = ""
    state: PullState | None = None
    comment: int = 0
    """The newest comment with commands that was decided; older ones come too late."""

    def then(self, later: "ObservedState") -> "ObservedState":
        """Return what is known after a later decision, which knows of an event or of a comment."""
        newest = max(self.comment, later.comment)
        return replace(later if later.head else self, comment=newest)


@dataclass(frozen=True, slots=True)
class RepositoryCursor:
    """Since when the bot knows a repository, and how far its changes were looked through."""

    since: datetime
    seen_until: datetime
    """By Gitee's clock."""
