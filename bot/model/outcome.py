"""What commands decide, and the decision of a delivery that their outcomes are joined into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.approval import Approval, Revocation
from bot.model.audit import AuditRecord
from bot.model.environment import EnvironmentKey, Extension
from bot.model.forge import RepoPath
from bot.model.observed import ObservedState, Skip
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.run import Run, StopRequest
from bot.model.text import Language
from bot.model.views import View


@dataclass(frozen=True, slots=True)
class StartRun:
    """Queue a run of this plan for the latest commit."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply with this. All replies to a comment are one comment."""

    view: View


@dataclass(frozen=True, slots=True)
class Refuse:
    """Change nothing, and reply with the reason."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopRuns:
    """Ask these runs to stop."""

    runs: tuple[int, ...]
    reason: Reason = Reason.CANCELLED


@dataclass(frozen=True, slots=True)
class Approve:
    """Trust this commit, and start what its automatic trigger would have started."""

    sha: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke these approvals, and end what runs because of them."""

    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Extend:
    """Let these environments expire later."""

    environments: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class Wake:
    """Scale these environments up again, which are asleep."""

    environments: tuple[str, ...]
    """Names."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Change nothing and post nothing; `why` is for the log."""

    why: str
    skip: Skip | None = None
    """Why an automatic run was skipped, if it was; people can ask for it."""


Outcome = StartRun | Reply | Refuse | StopRuns | Approve | Revoke | Extend | Wake | Ignore


@dataclass(frozen=True, slots=True)
class Decision:
    """What one delivery leads to: replies, and changes that the store commits in one transaction."""

    delivery: str
    """Key of the delivery."""
    repo: RepoPath
    number: int
    at: datetime
    since: datetime | None = None
    """When the comment that was decided was written."""
    ending: str = "decided"
    """One line for the operator's log."""
    language: Language = Language.ZH
    replies: tuple[View, ...] = ()
    start: Run | None = None
    """A run to queue; its id is 0 until it is stored."""
    stop: tuple[int, ...] = ()
    """Ids of runs to flag with `stop_request`."""
    stop_request: StopRequest | None = None
    approve: Approval | None = None
    revoke: tuple[Revocation, ...] = ()
    """Approvals to delete; those that are given again by the same decision are stored after that."""
    extend: Mapping[EnvironmentKey, datetime] = field(default_factory=dict)
    """The new expiry of each environment."""
    wake: tuple[EnvironmentKey, ...] = ()
    skipped: Skip | None = None
    """Why an event starts nothing automatically, if its author wanted that."""
    observed: ObservedState | None = None
    """The state of the pull request that this was decided on."""
    outside_contributor: str = ""
    """Login of the person without write access whose comment this is; such comments are limited."""
    audit: tuple[AuditRecord, ...] = ()
    """What is recorded of it."""
    refuted: bool = False
    """Whether Gitee's API contradicts the delivery: then its key stays free for the true event."""
