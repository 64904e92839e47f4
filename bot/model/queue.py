"""What waiting runs look like to whoever decides which of them begins: a few columns each, not whole runs."""

from dataclasses import dataclass
from enum import StrEnum

from bot.model.forge import RepoPath
from bot.model.pipeline import RunnerName


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A run that is not over."""

    id: int
    repo: RepoPath
    number: int
    runners: frozenset[RunnerName] = frozenset()
    """Who carries its steps out."""
    holder: str = ""
    """The replica that has it in hand; empty while it waits."""
    started: bool = False
    """Whether it was begun; one that is not held then was interrupted."""
    removes_only: bool = False
    """Whether all it does is to remove."""
    stopping: bool = False
    """Whether it was asked to stop."""

    @property
    def held(self) -> bool:
        """Whether a replica has it in hand."""
        return bool(self.holder)


class BlockedBy(StrEnum):
    """What keeps a waiting run from beginning."""

    NOTHING = "nothing"
    PULL = "pull"
    """An earlier run of its pull request."""
    REPOSITORY = "repository"
    """Other runs of its repository."""
    RUNNER = "runner"
    """Other runs on its runner."""
    ALL = "all"
    """Other runs, whatever they are."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a waiting run stands: position 1 is next."""

    position: int
    blocked_by: BlockedBy = BlockedBy.NOTHING
    runner: RunnerName | None = None
    """The runner that is full, if that is what it waits for."""
