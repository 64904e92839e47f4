"""The facts that a decision is based on, all read again from their sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn

from bot.model.addresses import Addresses
from bot.model.approval import Approval, Distrust
from bot.model.environment import Environment
from bot.model.forge import PullRequest
from bot.model.observed import Skip
from bot.model.outcome import Refuse
from bot.model.pipeline import Pipeline
from bot.model.reason import Reason
from bot.model.run import Image, Run, StepRecord
from bot.model.secrets import SecretGrant
from bot.model.service_log import ServiceLog
from bot.model.views import CommandHelp


class Fact(StrEnum):
    """A fact that is read only for commands that declare it in `needs`; each is a field of `Snapshot`."""

    IMAGES = "images"
    ENVIRONMENTS = "environments"
    RUNS = "runs"
    LOGS = "logs"
    SERVICE_LOGS = "service_logs"
    COMMANDS = "commands"
    ANNOUNCED = "announced"
    OWNERS = "owners"
    SKIPPED = "skipped"


_OUTSIDE = Distrust(Reason.NOT_TRUSTED)

UNDECLARED = "a command reads a fact that it does not declare in `needs`"


class NotGathered(Mapping[Any, Any]):
    """Takes the place of a fact that no command in the comment needs; reading it raises RuntimeError."""

    def __getitem__(self, key: object) -> NoReturn:
        raise RuntimeError(UNDECLARED)

    def __iter__(self) -> NoReturn:
        raise RuntimeError(UNDECLARED)

    def __len__(self) -> NoReturn:
        raise RuntimeError(UNDECLARED)


@dataclass(frozen=True, slots=True)
class LogTail:
    """The end of a step's log."""

    run: Run
    """The newest run in which the step was started."""
    step: StepRecord
    text: str = ""
    """The last lines, hostile text; empty where comments only link to logs."""


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """The operator's settings that commands depend on."""

    addresses: Addresses
    max_lifetime: timedelta = timedelta(days=3)
    """How far in the future the end of an environment may be."""
    warning_time: timedelta = timedelta(hours=1)
    """How long before its end an environment counts as ending soon."""
    brief: bool = False
    """Whether comments link to logs instead of quoting them."""
    secrets: tuple[SecretGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts at the moment of the decision. Those named in `Fact` are there only when they are needed."""

    pull: PullRequest
    pipeline: Pipeline
    """The configuration that counts; the defaults where there is none or it is invalid."""
    actor: str
    """Login of the person who wrote the command or caused the event."""
    now: datetime
    trusted: bool
    """Whether the code of the latest commit may run."""
    active: tuple[Run, ...]
    """Runs of this pull request that are not over, oldest first."""
    settings: CommandSettings
    automatic: bool = False
    """Whether an event asks, and no person."""
    writes: bool = True
    """Whether the actor has write access."""
    writers_only: bool = False
    """Whether only people with write access can have pushed the latest commit."""
    distrust: Distrust = _OUTSIDE
    """Why it needs an approval; has no meaning if `writers_only`."""
    approvals: tuple[Approval, ...] = ()
    """The approvals of this pull request, also of earlier commits, oldest first."""
    announced: bool = False
    """Whether a request of the bot named the latest commit, and no other, before the comment was written."""
    skipped: Skip | None = None
    """Why nothing was started automatically for the latest commit, if so."""
    owners: tuple[str, ...] = ()
    """Logins of the approvers in the base branch's OWNERS, in its order; empty if it cannot be used."""
    images: Mapping[str, Image] = field(default_factory=NotGathered)
    """By commit: images of this pull request that are in the registry."""
    environments: Mapping[str, Environment] = field(default_factory=NotGathered)
    """By name: environments that are not removed."""
    runs: Mapping[int, Run] = field(default_factory=NotGathered)
    """By id: the latest runs of this pull request, newest first."""
    logs: Mapping[str, LogTail] = field(default_factory=NotGathered)
    """By step: the newest log of each."""
    service_logs: Mapping[str, ServiceLog] = field(default_factory=NotGathered)
    """By service: its output in the environment deployed last; in a removed one if there is no other."""
    unread: Refuse | None = None
    """Why output of services could not be read, if so."""
    commands: Mapping[str, CommandHelp] = field(default_factory=NotGathered)
    """By name: the commands that have something to do in this repository, in the order of lists."""

    @property
    def definition(self) -> str:
        """The commit whose manifests, charts and files of services count.

        It is the head only if only writers can have pushed it.
        """
        return self.pull.head.sha if self.writers_only else self.pull.base.sha

    @property
    def sha(self) -> str:
        """The latest commit of the pull request, the one that is acted on."""
        return self.pull.head.sha
