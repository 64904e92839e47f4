"""What a command decides, and the decision that all commands of a comment add up to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.model.environment import EnvironmentKey, Extension
from bot.model.forge import RepoPath
from bot.model.observed import ObservedState
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.run import Run, StopRequest
from bot.model.text import Language
from bot.model.views import View


@dataclass(frozen=True, slots=True)
class StartRun:
    """Carry this plan out for the pinned commit."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Reply:
    """Say this in a comment of its own."""

    view: View


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing and say why."""

    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopRuns:
    """Ask these runs to stop."""

    runs: tuple[int, ...]
    reason: Reason = Reason.CANCELLED


@dataclass(frozen=True, slots=True)
class Approve:
    """Trust this commit; what its automatic trigger would have done is done now."""

    sha: str


@dataclass(frozen=True, slots=True)
class Extend:
    """Let these environments live longer."""

    environments: tuple[Extension, ...]


@dataclass(frozen=True, slots=True)
class Wake:
    """Let these environments, which sleep, run again."""

    environments: tuple[str, ...]
    """Names."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Say and do nothing; `why` is for the log."""

    why: str


Outcome = StartRun | Reply | Refuse | StopRuns | Approve | Extend | Wake | Ignore


@dataclass(frozen=True, slots=True)
class Decision:
    """What one delivery leads to: replies at once, and changes that the store commits together."""

    delivery: str
    """Key of the delivery."""
    repo: RepoPath
    number: int
    at: datetime
    ending: str = "decided"
    """One line for the operator's log."""
    language: Language = Language.ZH
    replies: tuple[View, ...] = ()
    start: Run | None = None
    """A run to queue; its id is 0 until it is stored."""
    stop: tuple[int, ...] = ()
    """Ids of runs to flag with `stop_request`."""
    stop_request: StopRequest | None = None
    approve: str = ""
    """Commit to trust from now on; empty for none."""
    actor: str = ""
    """Who approves it."""
    extend: Mapping[EnvironmentKey, datetime] = field(default_factory=dict)
    """New end by environment."""
    wake: tuple[EnvironmentKey, ...] = ()
    observed: ObservedState | None = None
    """How the pull request stood when this was decided."""
    refuted: bool = False
    """Whether Gitee denies what the delivery says: then it must not use up the key of the true event."""
