"""What the web asks of the store and of the files of runs: as little as its handlers use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bot.model.environment import Environment, EnvironmentKey
from bot.model.forge import RepoPath
from bot.model.run import Run
from bot.reports.files import LogChunk


class PreviewRecords(Protocol):
    """Finds, wakes and marks as visited the environments behind the hostnames of previews."""

    async def environment_at(self, host_label: str) -> Environment | None:
        """Return the environment whose hostname begins with this label, removed ones included."""
        ...

    async def request_wake(self, key: EnvironmentKey, at: datetime) -> None:
        """Request that an environment wakes, if it is asleep."""
        ...

    async def visited(self, seen: Mapping[str, datetime]) -> None:
        """Store when the environments of these labels were last visited."""
        ...


class EnvironmentReader(Protocol):
    """Reads environments."""

    async def environments(
        self, repo: RepoPath | None = None, number: int | None = None
    ) -> tuple[Environment, ...]:
        """Return environments that are not removed; only those of one pull request if it is given."""
        ...


class RunReader(Protocol):
    """Reads runs."""

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
        """Return runs with ids below `before`, newest first."""
        ...

    async def unfinished(self) -> tuple[Run, ...]:
        """Return runs that are not final, oldest first."""
        ...


class RunFileReader(Protocol):
    """Reads the logs of steps and the reports of tests."""

    async def read_log(self, run: int, step: str, offset: int, limit: int) -> LogChunk:
        """Return at most `limit` bytes of a log from `offset` on, cut between characters."""
        ...

    async def has_report(self, run: int) -> bool:
        """Whether a run has an HTML report."""
        ...

    async def report(self, run: int) -> bytes | None:
        """Return a run's HTML report, if there is one; it holds untrusted text."""
        ...

    async def own_report(self, run: int, name: str) -> bytes | None:
        """Return an HTML report that a test suite wrote itself, if there is one; all of it is untrusted."""
        ...
