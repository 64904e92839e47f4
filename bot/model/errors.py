"""Errors whose type says what happens next; anything else that is raised is a bug.

ChatOpsError
├── TellUser     the person under the pull request can act on it: worded from its reason
├── RetryLater   the world may be better in a while: tried again with backoff
│   └── NotThereYet  what was named may appear in a moment, or never
└── GiveUp       neither: logged for the operator, told as an apology
    └── CommentRefused  the words of a comment were refused, others may pass
"""

from collections.abc import Mapping

from bot.model.reason import Reason


class ChatOpsError(Exception):
    """Base of the three; carries a stable reason and the facts its words need."""

    def __init__(self, reason: Reason, facts: Mapping[str, str] | None = None, *, log: str = "") -> None:
        self.reason = reason
        self.facts: Mapping[str, str] = dict(facts or {})
        self.log = log
        """Last lines of output that show the cause, for the comment's collapsed tail."""
        told = (value if name == "message" else f"{name} {value}" for name, value in self.facts.items())
        super().__init__(f"{reason}: {', '.join(told)}")


class TellUser(ChatOpsError):  # noqa: N818 - named by what happens next
    """The user's own doing or for the user to mend; never retried."""


class RetryLater(ChatOpsError):  # noqa: N818 - named by what happens next
    """Infrastructure is in trouble; `delay` is how many seconds it asked us to wait, if it did."""

    def __init__(
        self,
        reason: Reason,
        facts: Mapping[str, str] | None = None,
        *,
        delay: float | None = None,
        log: str = "",
    ) -> None:
        super().__init__(reason, facts, log=log)
        self.delay = delay


class NotThereYet(RetryLater):
    """No outage: what was named is not to be seen. A few attempts are enough."""


class GiveUp(ChatOpsError):  # noqa: N818 - named by what happens next
    """Nothing to retry and nothing the user could do; the operator reads the log."""


class CommentRefused(GiveUp):
    """Gitee would not take this comment's words; plainer ones may pass its filter."""
