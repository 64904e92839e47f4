"""What a command decides, and all that it may look at to decide: plain values on both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model.environment import Environment, EnvironmentKey, Extension
from bot.model.forge import PullRequest, RepoPath
from bot.model.observed import ObservedState
from bot.model.pipeline import Pipeline
from bot.model.plan import Plan
from bot.model.reason import Reason
from bot.model.run import Image, Run, StopRequest
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts at the moment of deciding, all re-read from their sources."""

    pull: PullRequest
    pipeline: Pipeline
    actor: str
    now: datetime
    trusted: bool
    images: Mapping[str, Image]
    """By commit: images of this pull request that are in the registry."""
    environments: Mapping[str, Environment]
    """By name: those that are not removed."""
    active: tuple[Run, ...]
    """Runs of this pull request that are not over, oldest first."""
    last_test: Run | None
    """The newest run that is over and has tested."""
    help: View
    """Ready-made answer of `/help`: the vocabulary as it stands for this repository and person."""
    status: View
    """Ready-made answer of `/status`."""
    writes: bool = True
    """Whether the actor has write permission."""
    longest: timedelta = timedelta(days=3)
    """How long an environment may have to live from now on, by the operator's word."""
    author_writes: bool = False
    """Whether the pull request's author has it."""

    @property
    def definition(self) -> str:
        """The commit whose manifests and charts count: the author's own only if he may push them anyway."""
        return self.pull.head.sha if self.author_writes else self.pull.base.sha

    @property
    def sha(self) -> str:
        """The pinned commit."""
        return self.pull.head.sha
