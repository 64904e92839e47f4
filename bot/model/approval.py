"""Approvals of untrusted commits, and why a commit is not trusted without one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of one commit for one base branch, given in a comment."""

    sha: str
    base: str
    """The branch that the pull request targeted."""
    actor: str
    at: datetime
    comment: int
    """Id of the approving comment."""
    url: str
    """Address of that comment at Gitee; empty if the API does not report it."""
    digest: str
    """Digest of the comment's text: once it is edited, it approves nothing."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """An approval that no longer counts."""

    approval: Approval
    reason: Reason
    who: str
    """Login of the person whom the reason names."""

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts that go with the reason."""
        return {"who": self.who}


@dataclass(frozen=True, slots=True)
class Distrust:
    """Why the latest commit is not trusted by its origin."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)
