"""A pull request's environments: what was deployed, where it answers, until when."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.pipeline import RunnerName, TeardownConfig


class EnvironmentState(StrEnum):
    """What a visitor of the preview's address should be shown."""

    STARTING = "starting"
    READY = "ready"
    ASLEEP = "asleep"
    """Nothing of it runs until somebody wants it."""
    WAKING = "waking"
    FAILED = "failed"
    REMOVED = "removed"

    @property
    def stands(self) -> bool:
        """Whether a visitor finds it, at once or after it has woken."""
        return self in {EnvironmentState.READY, EnvironmentState.ASLEEP, EnvironmentState.WAKING}


@dataclass(frozen=True, slots=True, order=True)
class EnvironmentKey:
    """Names one environment of one pull request."""

    repo: RepoPath
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the bot reaches a deployed service; not an address for people."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment as the store keeps it. `host` is the name in its public address."""

    key: EnvironmentKey
    host: str
    sha: str
    state: EnvironmentState
    run: int
    deployed_at: datetime
    expires_at: datetime
    endpoint: Endpoint | None = None
    subnet: str | None = None
    """Network that the Docker runner gave to it, in CIDR notation."""
    url: str = ""
    """Address that whoever deployed it told, where that is not the previews' own; hostile text."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """What else removes it."""
    extended_at: datetime | None = None
    """When somebody last asked for it to live longer."""
    warned: datetime | None = None
    """The end of its life that people were told of in time."""
    suspendable_by: RunnerName | None = None
    """Who may put it to sleep: its visitors come through the bot's proxy, which wakes it."""
    visited_at: datetime | None = None
    """When it was last visited or woken, as far as that is written down."""


@dataclass(frozen=True, slots=True)
class Extension:
    """Until when an environment is to live now; `capped` where the operator allows less than was asked."""

    name: str
    until: datetime
    capped: bool = False
