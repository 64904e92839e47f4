"""The queues, and that of runs as scheduling sees it: a few columns of each run, not whole runs."""

from dataclasses import dataclass
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.pipeline import RunnerName


class Queue(StrEnum):
    """What replicas claim from."""

    DELIVERIES = "deliveries"
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """An unfinished run."""

    id: int
    repo: RepoPath
    number: int
    runners: frozenset[RunnerName] = frozenset()
    """Runners that its steps need."""
    holder: str = ""
    """Name of the replica that executes it; empty while it waits."""
    started: bool = False
    """Whether it was ever started; a started run without a holder was interrupted."""
    removes_only: bool = False
    """Whether it only removes things."""
    stopping: bool = False
    """Whether it was asked to stop."""

    @property
    def held(self) -> bool:
        """Whether a replica executes it."""
        return bool(self.holder)


class BlockedBy(StrEnum):
    """What a waiting run waits for."""

    NOTHING = "nothing"
    PULL = "pull"
    """An earlier run of its pull request."""
    REPOSITORY = "repository"
    """Other runs of its repository."""
    RUNNER = "runner"
    """Other runs on its runner."""
    ALL = "all"
    """Other runs: the global limit is reached."""
    DISK = "disk"
    """Free space on a disk."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Position of a waiting run in the queue; 1 is next."""

    position: int
    blocked_by: BlockedBy = BlockedBy.NOTHING
    runner: RunnerName | None = None
    """The full runner, if the run is blocked by one."""
