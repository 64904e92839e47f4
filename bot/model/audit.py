"""Audit records: who did what, to which commit, from which delivery, and why it was refused if it was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.reason import Reason


class AuditCause(StrEnum):
    """What led to an action. The first ones are triggers of deliveries, with the same words."""

    OPEN = "open"
    UPDATE = "update"
    CLOSE = "close"
    MERGE = "merge"
    REOPEN = "reopen"
    COMMENT = "comment"
    REVOCATION = "withdrawal"
    EXPIRE = "expire"
    DISK = "disk"
    """A container wrote too much to the disk."""
    SWEEP = "sweep"
    """Something at a runner or in the registry had no owner, or had vanished."""
    OPERATOR = "operator"
    """Somebody typed a command on the machine of the bot."""


class AuditResult(StrEnum):
    """What became of an action."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DONE = "done"
    """The bot did it without being asked in a pull request."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One action, accepted, refused or done; it is never changed."""

    at: datetime
    repo: RepoPath
    number: int
    cause: AuditCause
    action: str = ""
    """The name of a command; otherwise run, stop, revoke, teardown, remove, adopt or fail."""
    result: AuditResult = AuditResult.DONE
    who: str = ""
    """Login that Gitee's API confirms; for an operator, the user of the machine. Empty if unknown."""
    sender: str = ""
    """Login that the webhook named, whose body is not signed: only a claim."""
    sha: str = ""
    """The commit; empty if it concerns none."""
    details: str = ""
    """Arguments as typed, or what was acted on; masked, and hostile text."""
    reason: Reason | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """Facts of the reason that nobody typed."""
    runs: tuple[int, ...] = ()
    """Runs that were started or stopped; 0 is the run that is stored together with this record."""
    delivery: str = ""
    """Key of the delivery; empty if none led to it."""
    position: int = 0
    """Position among the records of the delivery."""


@dataclass(frozen=True, slots=True)
class AuditActor:
    """Who acts without a delivery: the bot itself, or an operator."""

    cause: AuditCause = AuditCause.SWEEP
    who: str = ""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records to list; None and empty mean all."""

    repos: tuple[str, ...] = ()
    """Patterns as in `[repos] allow`."""
    number: int | None = None
    who: str = ""
    """Login in any case; claimed ones match as well."""
    since: datetime | None = None
    until: datetime | None = None
    refused: bool = False
    """Whether to list only what was refused."""
