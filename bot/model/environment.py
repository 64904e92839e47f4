"""Environments of pull requests: what is deployed, its address, and when it expires."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.holder import Holder
from bot.model.pipeline import RunnerName, TeardownConfig
from bot.model.reason import Reason


class EnvironmentState(StrEnum):
    """State of an environment; it decides what visitors see."""

    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    """It was ready, and its service has died, keeps restarting or is unhealthy."""
    ASLEEP = "asleep"
    """Scaled to zero until a visitor or a command wakes it."""
    WAKING = "waking"
    FAILED = "failed"
    REMOVED = "removed"

    @property
    def deployed(self) -> bool:
        """Whether it is deployed: it exists at its runner, even if its service does not answer."""
        return self not in {EnvironmentState.STARTING, EnvironmentState.FAILED, EnvironmentState.REMOVED}


@dataclass(frozen=True, slots=True, order=True)
class EnvironmentKey:
    """Names one environment of one pull request."""

    repo: RepoPath
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class PublicService:
    """One of `services` that visitors reach, besides the deployed service itself."""

    name: str
    port: int
    path: str = ""
    """Path of the environment's own host below which it answers; empty if it has a host of its own."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address at which the bot reaches a deployed service; not for people."""

    host: str
    port: int
    services: Mapping[str, "Endpoint"] = field(default_factory=dict)
    """Where its public services answer, by name."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Why an environment that was ready does not work any more."""

    reason: Reason
    since: datetime
    """When that was noticed."""
    facts: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    """The part at fault; empty if the whole environment is gone."""
    log: str = ""
    """Last lines of that part's output, hostile text."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment. `host` is its host label, the first label of its hostname."""

    key: EnvironmentKey
    host: str
    sha: str
    state: EnvironmentState
    run: int
    deployed_at: datetime
    expires_at: datetime
    endpoint: Endpoint | None = None
    subnet: str | None = None
    """Its network on the Docker runner, in CIDR notation."""
    url: str = ""
    """URL that its deployer reported; empty if it has the preview URL. Hostile text."""
    teardown: TeardownConfig = field(default_factory=TeardownConfig)
    """How it is removed, besides by its platform."""
    extended_at: datetime | None = None
    """When its life was last extended."""
    warned: datetime | None = None
    """The expiry of which people were warned."""
    suspendable_by: RunnerName | None = None
    """The runner that can scale it to zero; None if its visitors do not come through the bot's proxy."""
    visited_at: datetime | None = None
    """When it was last visited or woken, as far as that is stored."""
    runner: RunnerName | None = None
    """The runner that hosts it; None if an earlier version of the bot deployed it."""
    outage: Outage | None = None
    """Why it is failing, or is gone although nobody asked the bot to remove it."""
    merge: str = ""
    """The merge of `sha` into the base branch that is deployed; empty for `sha` itself."""
    public: tuple[PublicService, ...] = ()
    """Services that visitors reach, besides the deployed one, by name."""
    adopted: Holder | None = None
    """The run that deployed it, if the store does not have that run: the environment was found at its runner.

    `run` is 0 then.
    """


@dataclass(frozen=True, slots=True)
class Extension:
    """A new expiry; `capped` if the operator allows less than was asked for."""

    name: str
    until: datetime
    capped: bool = False
