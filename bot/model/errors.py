"""Errors whose type determines what happens next; any other exception is a bug.

ChatOpsError
├── TellUser     people on the pull request can fix it: reported to them with its reason
│   └── TooExpensive  what they wrote takes more time or memory to read than is allowed
├── RetryLater   the infrastructure may recover: retried with backoff
│   ├── AnswerLost   the request may have taken effect, or may still
│   ├── Overtaken    a later run or attempt has taken the place
│   └── NotThereYet  the object may appear in a moment, or never: few retries
└── GiveUp       neither: logged for the operator, reported to people as an apology
    └── CommentRefused  Gitee rejected the text of a comment; another text may pass
"""

from collections.abc import Iterable, Mapping

from bot.model.inventory import Item
from bot.model.reason import Reason, bounded


class ChatOpsError(Exception):
    """Base class; carries a stable reason, and the facts for its wording."""

    def __init__(self, reason: Reason, facts: Mapping[str, str] | None = None, *, log: str = "") -> None:
        self.reason = reason
        self.facts: Mapping[str, str] = bounded(facts or {})
        self.log = log
        """Last lines of output that show the cause, for the comment's collapsed tail."""
        parts = (value if name == "message" else f"{name} {value}" for name, value in self.facts.items())
        super().__init__(f"{reason}: {', '.join(parts)}")


class TellUser(ChatOpsError):  # noqa: N818 - named by what happens next
    """Caused by the user, or something that the user can fix; never retried."""


class TooExpensive(TellUser):
    """Reading an input takes more processor time or memory than its limits; it stays unread."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__(Reason.TOO_EXPENSIVE, facts)


class RetryLater(ChatOpsError):  # noqa: N818 - named by what happens next
    """The infrastructure fails; `delay` is how many seconds it asked the bot to wait, if it did."""

    def __init__(
        self,
        reason: Reason,
        facts: Mapping[str, str] | None = None,
        *,
        delay: float | None = None,
    ) -> None:
        super().__init__(reason, facts)
        self.delay = delay


class AnswerLost(RetryLater):
    """A request that changes something got no answer, or one that does not say whether it took effect."""


class Overtaken(RetryLater):
    """Things of a later run or attempt, `items`, are where a step wants to create its own."""

    def __init__(self, reason: Reason, items: Iterable[Item] = ()) -> None:
        self.items = tuple(items)
        names = ", ".join(f"{item.name} (run {item.holder.run})" for item in self.items)
        super().__init__(reason, {"message": f"a later run or attempt is there already: {names}"})


class NotThereYet(RetryLater):
    """Not an outage: the object is not visible. A few attempts are enough."""


class GiveUp(ChatOpsError):  # noqa: N818 - named by what happens next
    """A retry would not help and the user cannot fix it; the operator reads the log."""


class CommentRefused(GiveUp):
    """Gitee rejected the text of a comment; a plainer text may pass its filter."""
