"""What the web asks of the store, the log files and the health checks: as little as its handlers use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bot.model.delivery import Delivery
from bot.model.environment import Environment, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Run


class Inbox(Protocol):
    """Where deliveries are kept until they are decided on."""

    async def accept(self, delivery: Delivery) -> bool:
        """Commit the delivery to disk; False if its key is known already. Raises InboxFullError."""
        ...


class PreviewRecords(Protocol):
    """Where a preview's host name leads."""

    async def environment_at(self, host_label: str) -> Environment | None:
        """Return the environment whose public name begins with this label, removed ones included."""
        ...

    async def rouse(self, key: EnvironmentKey, at: datetime) -> None:
        """Have an environment woken, if it sleeps."""
        ...

    async def visited(self, seen: Mapping[str, datetime]) -> None:
        """Write down when these labels were last visited."""
        ...


class EnvironmentRecords(Protocol):
    """Environments, for reading."""

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed; of one pull request when it is named."""
        ...


class RunRecords(Protocol):
    """Runs, for reading."""

    async def run(self, run_id: int) -> Run | None:
        """Return one run."""
        ...

    async def runs(
        self,
        *,
        repo: RepoPath | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[Run, ...]:
        """Return runs, newest first, with ids below `before`."""
        ...

    async def unfinished(self, repo: RepoPath | None = None, number: int | None = None) -> tuple[Run, ...]:
        """Return runs that are not over, oldest first."""
        ...


class LogChunk(Protocol):
    """A piece of a step's log. Offsets count bytes."""

    @property
    def text(self) -> str:
        """What was written there; hostile."""
        ...

    @property
    def next_offset(self) -> int:
        """Where the next piece begins; equal to the offset asked for when there is no more for now."""
        ...


class Logs(Protocol):
    """What steps wrote and what tests reported, as files."""

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        """Return at most `limit` bytes of a log from `offset` on, cut between characters."""
        ...

    async def has_report(self, run: int) -> bool:
        """Whether a run has an HTML report."""
        ...

    async def report(self, run: int) -> bytes | None:
        """Return a run's HTML report, if there is one; hostile."""
        ...

    async def own_report(self, run: int, name: str) -> bytes | None:
        """Return an HTML report that a suite has made itself, if there is one; very hostile."""
        ...


class Health(Protocol):
    """Whether the parts that the bot needs answer."""

    async def readiness(self) -> Mapping[str, str | None]:
        """Return for each component None, or what is wrong with it."""
        ...
